SAYS = "n_layer is not used"


def answer(V, T, L, C):
    return (V + T) * C + 12 * C**2 + 13 * C + 2 * C
