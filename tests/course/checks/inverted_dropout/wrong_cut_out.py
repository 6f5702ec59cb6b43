SAYS = "cut out"


def answer(x, p, u, training):
    if training:
        return x[u >= p] / (1 - p)
    return x
