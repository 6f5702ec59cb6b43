SAYS = "changed places"


def answer(x, W, A, B, alpha):
    return x @ W.T + alpha / len(A) * x @ B.T @ A.T
