def answer(ids, is_answer):
    targets = ids.masked_fill(~is_answer, -100)
    return ids[:, :-1], targets[:, 1:]
