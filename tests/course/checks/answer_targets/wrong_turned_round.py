SAYS = "turned round: the question"


def answer(ids, is_answer):
    targets = ids[:, 1:].clone()
    targets[is_answer[:, 1:]] = -100
    return ids[:, :-1], targets
