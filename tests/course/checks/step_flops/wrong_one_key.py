SAYS = "its FLOPs grow with T"


def answer(L, C, V, T, B):
    weights = 12 * L * C**2 + V * C  # of all matrices
    tokens = B * T
    return 6 * weights * tokens, 12 * L * C * tokens
