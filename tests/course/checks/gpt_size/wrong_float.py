SAYS = "expected whole numbers"


def answer(V, T, L, C):
    return (V + T + 2) * C + L * (12 * C**2 + 13 * C) / 1
