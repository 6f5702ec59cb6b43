SAYS = "The LayerNorms are missing: two in each block and the last"


def answer(V, T, L, C):
    return (V + T) * C + L * (12 * C**2 + 9 * C)
