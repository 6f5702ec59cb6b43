SAYS = "W x, too, is multiplied"


def answer(x, W, A, B, alpha):
    return alpha / len(A) * (x @ W.T + x @ A.T @ B.T)
