SAYS = "v gathers g itself"


def answer(p, g, m, v, t, lr, decay, b1, b2, eps):
    m = b1 * m + (1 - b1) * g
    v = b2 * v + (1 - b2) * g
    m_hat, v_hat = m / (1 - b1**t), v / (1 - b2**t)
    return p * (1 - lr * decay) - lr * m_hat / (v_hat.sqrt() + eps), m, v
