SAYS = "learn to copy"


def answer(ids, is_answer):
    targets = ids.clone()
    targets[~is_answer] = -100
    return ids[:, :-1], targets[:, :-1]
