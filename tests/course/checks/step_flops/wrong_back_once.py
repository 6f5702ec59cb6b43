SAYS = "costs as much as the way forward here"


def answer(L, C, V, T, B):
    weights = 12 * L * C**2 + V * C  # of all matrices
    tokens = B * T
    return 2 * 2 * weights * tokens, 2 * 4 * L * T * C * tokens
