SAYS = "drops the fraction"


def answer(x, W, A, B, alpha):
    return x @ W.T + alpha // len(A) * x @ A.T @ B.T
