SAYS = "The exponents are swapped"


def answer(budget, A, B, alpha, beta):
    factor = (alpha * A / (beta * B)) ** (1 / (alpha + beta))
    n = factor * (budget / 6) ** (alpha / (alpha + beta))
    return n, budget / 6 / n
