SAYS = "a multiplication *and* an addition"


def answer(L, C, V, T, B):
    weights = 12 * L * C**2 + V * C  # of all matrices
    tokens = B * T
    return 3 * weights * tokens, 6 * L * T * C * tokens
