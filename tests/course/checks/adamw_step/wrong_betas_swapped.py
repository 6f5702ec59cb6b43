SAYS = "b1 and b2 have changed places"


def answer(p, g, m, v, t, lr, decay, b1, b2, eps):
    m = b2 * m + (1 - b2) * g
    v = b1 * v + (1 - b1) * g**2
    m_hat, v_hat = m / (1 - b2**t), v / (1 - b1**t)
    return p * (1 - lr * decay) - lr * m_hat / (v_hat.sqrt() + eps), m, v
