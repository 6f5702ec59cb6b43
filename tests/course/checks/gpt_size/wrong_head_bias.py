SAYS = "V numbers too many"


def answer(V, T, L, C):
    return (V + T) * C + L * (12 * C**2 + 13 * C) + 2 * C + V
