def answer(budget, A, B, alpha, beta):
    factor = (alpha * A / (beta * B)) ** (1 / (alpha + beta))
    tokens = budget / 6
    n = factor * tokens ** (beta / (alpha + beta))
    return n, tokens / n
