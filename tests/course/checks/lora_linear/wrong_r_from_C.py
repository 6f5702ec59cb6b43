SAYS = "divided by C"


def answer(x, W, A, B, alpha):
    _, r = A.shape
    return x @ W.T + alpha / r * x @ A.T @ B.T
