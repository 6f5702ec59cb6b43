SAYS = "The scale is in the wrong mode"


def answer(x, p, u, training):
    if training:
        return x * (u >= p)
    return x * (1 - p)
