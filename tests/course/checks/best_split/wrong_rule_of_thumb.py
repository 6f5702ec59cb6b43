SAYS = "rule of thumb of 20"


def answer(budget, A, B, alpha, beta):
    n = (budget / 6 / 20) ** 0.5
    return n, 20 * n
