SAYS = "multiply it by alpha"


def answer(x, W, A, B, alpha):
    return x @ W.T + (x @ A.T @ B.T) / A.shape[0]
