SAYS = "The table of tokens is missing"


def answer(V, T, L, C):
    return T * C + L * (12 * C**2 + 13 * C) + 2 * C
