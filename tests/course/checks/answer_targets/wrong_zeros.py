SAYS = "but 0 is a token"


def answer(ids, is_answer):
    return ids[:, :-1], ids[:, 1:] * is_answer[:, 1:]
