def answer(x, p, u, training):
    y = x.clone()
    if training:
        y[u < p] = 0
        y *= 1 / (1 - p)
    return y
