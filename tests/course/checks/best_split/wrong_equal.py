SAYS = "the two slopes must be equal"


def answer(budget, A, B, alpha, beta):
    n = (budget / 6) ** 0.5
    return n, n
