SAYS = "W is not transposed"


def answer(x, W, A, B, alpha):
    return x @ W + alpha / len(A) * x @ A.T @ B.T
