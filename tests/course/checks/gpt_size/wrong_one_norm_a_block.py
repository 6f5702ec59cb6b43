SAYS = "Each block has two LayerNorms"


def answer(V, T, L, C):
    return (V + T) * C + L * (12 * C**2 + 11 * C) + 2 * C
