SAYS = "change alone"


def answer(x, W, A, B, alpha):
    return alpha / len(A) * x @ A.T @ B.T
