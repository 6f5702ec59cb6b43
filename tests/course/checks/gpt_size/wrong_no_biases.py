SAYS = "9C in each block"


def answer(V, T, L, C):
    return (V + T) * C + L * (12 * C**2 + 4 * C) + 2 * C
