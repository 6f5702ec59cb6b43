SAYS = "probability of staying"


def answer(x, p, u, training):
    if not training or p == 0:
        return x
    keep = (u < p).float()
    return x * keep / p
