SAYS = "multiplied by r: divide"


def answer(x, W, A, B, alpha):
    r = A.size(0)
    return x @ W.T + alpha * r * (x @ A.T @ B.T)
