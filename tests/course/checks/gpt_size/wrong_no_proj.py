SAYS = "Attention's proj is missing"


def answer(V, T, L, C):
    attention = (C + 1) * 3 * C
    work = (C + 1) * 4 * C + (4 * C + 1) * C
    return (V + T) * C + L * (attention + work + 4 * C) + 2 * C
