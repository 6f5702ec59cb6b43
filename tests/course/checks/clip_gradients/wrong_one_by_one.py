SAYS = "Each tensor is clipped by itself"


def answer(grads, max_norm):
    return [g * min(1, max_norm / max(g.norm().item(), 1e-12)) for g in grads]
