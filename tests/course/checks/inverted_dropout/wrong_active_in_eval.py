SAYS = "active in eval mode"


def answer(x, p, u, training):
    keep = u >= p
    return x * keep / (1 - p)
