SAYS = "applied in eval mode, too"


def answer(x, p, u, training):
    if training:
        x = x * (u >= p)
    return x / (1 - p)
