SAYS = "mask is off by one"


def answer(ids, is_answer):
    idx, targets = ids[:, :-1], ids[:, 1:].clone()
    targets[~is_answer[:, :-1]] = -100
    return idx, targets
