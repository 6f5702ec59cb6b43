SAYS = "the targets alone"


def answer(ids, is_answer):
    targets = ids[:, 1:].clone()
    targets[~is_answer[:, 1:]] = -100
    return targets
