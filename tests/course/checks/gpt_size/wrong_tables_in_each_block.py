SAYS = "counted once for each block"


def answer(V, T, L, C):
    return L * ((V + T) * C + 12 * C**2 + 13 * C) + 2 * C
