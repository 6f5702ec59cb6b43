def answer(V, T, L, C):
    return C * (V + T + L * (12 * C + 13) + 2)
