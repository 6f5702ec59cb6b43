SAYS = "alpha alone"


def answer(x, W, A, B, alpha):
    change = B @ A
    return x @ (W + alpha * change).T
