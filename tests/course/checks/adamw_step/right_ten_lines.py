def answer(p, g, m, v, t, lr, decay, b1, b2, eps):
    m = b1 * m + (1 - b1) * g  # running mean of g
    v = b2 * v + (1 - b2) * g**2  # running mean of g²
    m_hat = m / (1 - b1**t)
    v_hat = v / (1 - b2**t)
    p = p * (1 - lr * decay)  # the W of AdamW
    return p - lr * m_hat / (v_hat.sqrt() + eps), m, v
