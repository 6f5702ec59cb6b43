SAYS = "No matrix is transposed"


def answer(x, W, A, B, alpha):
    r = len(A)
    return x @ (W + alpha / r * B @ A)
