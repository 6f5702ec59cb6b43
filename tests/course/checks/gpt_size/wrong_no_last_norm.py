SAYS = "The last LayerNorm is missing"


def answer(V, T, L, C):
    return (V + T) * C + L * (12 * C**2 + 13 * C)
