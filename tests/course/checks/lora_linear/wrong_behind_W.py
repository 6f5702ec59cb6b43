SAYS = "applied to W x"


def answer(x, W, A, B, alpha):
    y = x @ W.T
    return y + alpha / len(A) * y @ A.T @ B.T
