SAYS = "the work for one token"


def answer(L, C, V, T, B):
    weights = 12 * L * C**2 + V * C  # of all matrices
    tokens = B * T
    return 6 * weights, 12 * L * T * C
