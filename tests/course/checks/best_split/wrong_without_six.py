SAYS = "it must be a sixth"


def answer(budget, A, B, alpha, beta):
    factor = (alpha * A / (beta * B)) ** (1 / (alpha + beta))
    n = factor * budget ** (beta / (alpha + beta))
    return n, budget / n
