SAYS = "gain and bias make 2C"


def answer(V, T, L, C):
    return (V + T) * C + L * (12 * C**2 + 9 * C + 2 * C) + C
