SAYS = "The sizes of all numbers are added"


def answer(grads, max_norm):
    norm = sum(g.abs().sum() for g in grads)
    return [g * max_norm / norm for g in grads] if norm > max_norm else grads
