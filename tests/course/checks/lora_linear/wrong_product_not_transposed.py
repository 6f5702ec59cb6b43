SAYS = "product B A is not transposed"


def answer(x, W, A, B, alpha):
    return x @ W.T + alpha / len(A) * x @ (B @ A)
