SAYS = "Neither A nor B is transposed"


def answer(x, W, A, B, alpha):
    return x @ W.T + alpha / len(A) * x @ A @ B
