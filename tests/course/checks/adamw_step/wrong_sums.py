SAYS = "m and v are running sums"


def answer(p, g, m, v, t, lr, decay, b1, b2, eps):
    m = b1 * m + g
    v = b2 * v + g**2
    m_hat, v_hat = m / (1 - b1**t), v / (1 - b2**t)
    return p * (1 - lr * decay) - lr * m_hat / (v_hat.sqrt() + eps), m, v
