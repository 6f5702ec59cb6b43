SAYS = "norms are added"


def answer(grads, max_norm):
    norm = sum(g.norm() for g in grads)
    if norm > max_norm:
        return [g * max_norm / norm for g in grads]
    return grads
