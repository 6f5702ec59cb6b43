SAYS = "held against the largest number"


def answer(grads, max_norm):
    top = max(g.abs().max() for g in grads)
    return [g * max_norm / top for g in grads] if top > max_norm else grads
