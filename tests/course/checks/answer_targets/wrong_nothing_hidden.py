SAYS = "Every token is a target"


def answer(ids, is_answer):
    return ids[:, :-1], ids[:, 1:]
