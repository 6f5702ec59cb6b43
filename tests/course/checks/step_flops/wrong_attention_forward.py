SAYS = "attention, too, has a way back"


def answer(L, C, V, T, B):
    weights = 12 * L * C**2 + V * C  # of all matrices
    tokens = B * T
    return 6 * weights * tokens, 4 * L * T * C * tokens
