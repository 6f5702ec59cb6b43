SAYS = "changed places"


def answer(L, C, V, T, B):
    weights = 12 * L * C**2 + V * C  # of all matrices
    tokens = B * T
    return 12 * L * T * C * tokens, 6 * weights * tokens
