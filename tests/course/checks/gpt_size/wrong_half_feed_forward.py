SAYS = "has two matrices: from C to 4C"


def answer(V, T, L, C):
    attention, work = 4 * (C + 1) * C, 4 * (C + 1) * C
    return (V + T) * C + L * (attention + work + 4 * C) + 2 * C
