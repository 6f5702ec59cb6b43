SAYS = "An output matrix and its bias"


def answer(V, T, L, C):
    return V * C + T * C + L * (12 * C**2 + 13 * C) + 2 * C + (C + 1) * V
