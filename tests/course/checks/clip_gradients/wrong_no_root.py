SAYS = "missing its root"


def answer(grads, max_norm):
    norm = sum((g**2).sum() for g in grads)
    if norm > max_norm:
        return [g * max_norm / norm for g in grads]
    return grads
