def answer(L, C, V, T, B):
    shapes = [(C, 3 * C), (C, C), (C, 4 * C), (4 * C, C)] * L + [(C, V)]
    forward = sum(2 * a * b for a, b in shapes)
    scores, sums = 2 * T * C, 2 * T * C
    attention = L * (scores + sums)
    return [3.0 * B * T * forward, 3.0 * B * T * attention]
