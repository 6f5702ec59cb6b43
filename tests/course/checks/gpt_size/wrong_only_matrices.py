SAYS = "Biases and LayerNorms are missing"


def answer(V, T, L, C):
    return (V + T) * C + L * 12 * C**2
