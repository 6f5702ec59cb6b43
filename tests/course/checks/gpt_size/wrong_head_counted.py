SAYS = "counted, but it is the token embedding"


def answer(V, T, L, C):
    return V * C + T * C + L * (12 * C**2 + 13 * C) + 2 * C + C * V
