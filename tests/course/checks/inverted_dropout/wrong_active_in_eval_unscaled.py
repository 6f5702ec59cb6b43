SAYS = "Two things: dropout is active"


def answer(x, p, u, training):
    x = x.clone()
    x[u < p] = 0
    return x
