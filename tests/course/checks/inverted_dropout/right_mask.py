def answer(x, p, u, training):
    keep = (u >= p).float() if training else u * 0 + 1
    return x * keep / ((1 - p) if training else 1)
