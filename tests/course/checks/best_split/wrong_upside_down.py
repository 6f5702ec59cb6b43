SAYS = "The factor is upside down"


def answer(budget, A, B, alpha, beta):
    factor = (beta * B / (alpha * A)) ** (1 / (alpha + beta))
    n = factor * (budget / 6) ** (beta / (alpha + beta))
    return n, budget / 6 / n
