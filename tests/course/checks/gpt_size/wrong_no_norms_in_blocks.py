SAYS = "The LayerNorms of the blocks are missing"


def answer(V, T, L, C):
    return (V + T) * C + L * (12 * C**2 + 9 * C) + 2 * C
