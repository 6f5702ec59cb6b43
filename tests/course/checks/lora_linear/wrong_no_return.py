SAYS = "is a `return` missing"


def answer(x, W, A, B, alpha):
    y = x @ W.T + alpha / len(A) * x @ A.T @ B.T
