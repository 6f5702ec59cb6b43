SAYS = "The modes are swapped"


def answer(x, p, u, training):
    if training:
        return x
    return x * (u >= p) / (1 - p)
