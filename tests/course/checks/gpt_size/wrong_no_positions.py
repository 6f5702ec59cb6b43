SAYS = "The table of positions is missing"


def answer(V, T, L, C):
    return V * C + L * (12 * C**2 + 13 * C) + 2 * C
