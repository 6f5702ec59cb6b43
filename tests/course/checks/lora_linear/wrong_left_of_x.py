SAYS = "left of x"


def answer(x, W, A, B, alpha):
    return W @ x + alpha / len(A) * B @ (A @ x)
