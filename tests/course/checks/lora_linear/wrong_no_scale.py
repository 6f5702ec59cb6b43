SAYS = "is not scaled"


def answer(x, W, A, B, alpha):
    return x @ W.T + x @ A.T @ B.T
