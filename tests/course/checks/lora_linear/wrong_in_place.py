SAYS = "are changed in place"


def answer(x, W, A, B, alpha):
    W += alpha / len(A) * B @ A
    return x @ W.T
