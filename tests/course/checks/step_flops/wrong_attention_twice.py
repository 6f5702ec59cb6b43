SAYS = "Attention is counted twice"


def answer(L, C, V, T, B):
    weights = 12 * L * C**2 + V * C  # of all matrices
    tokens = B * T
    return 6 * weights * tokens, 24 * L * T * C * tokens
