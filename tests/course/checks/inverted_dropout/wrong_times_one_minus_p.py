SAYS = "multiplied by 1-p"


def answer(x, p, u, training):
    return x * (u >= p) * (1 - p) if training else x
