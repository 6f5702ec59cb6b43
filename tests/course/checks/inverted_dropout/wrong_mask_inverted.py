SAYS = "The wrong numbers are dropped"


def answer(x, p, u, training):
    if not training:
        return x
    return (u < p) * x / (1 - p)
