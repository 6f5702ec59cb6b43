SAYS = "are not scaled"


def answer(x, p, u, training):
    if not training:
        return x
    return x * (u >= p)
