SAYS = "The shares are upside down"


def answer(p, g, m, v, t, lr, decay, b1, b2, eps):
    m = (1 - b1) * m + b1 * g
    v = (1 - b2) * v + b2 * g**2
    m_hat, v_hat = m / (1 - (1 - b1) ** t), v / (1 - (1 - b2) ** t)
    return p * (1 - lr * decay) - lr * m_hat / (v_hat.sqrt() + eps), m, v
