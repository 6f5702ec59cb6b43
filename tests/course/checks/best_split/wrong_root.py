SAYS = "still needs its root"


def answer(budget, A, B, alpha, beta):
    factor = alpha * A / (beta * B)
    n = factor * (budget / 6) ** (beta / (alpha + beta))
    return n, budget / 6 / n
