SAYS = "The corrected means are handed on"


def answer(p, g, m, v, t, lr, decay, b1, b2, eps):
    m = (b1 * m + (1 - b1) * g) / (1 - b1**t)
    v = (b2 * v + (1 - b2) * g**2) / (1 - b2**t)
    return p * (1 - lr * decay) - lr * m / (v.sqrt() + eps), m, v
