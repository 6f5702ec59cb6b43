SAYS = "a good estimate of a block"


def answer(V, T, L, C):
    return (V + T) * C + 12 * L * C**2 + 2 * C
