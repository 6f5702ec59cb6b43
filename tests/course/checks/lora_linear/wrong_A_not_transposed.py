SAYS = "A is not transposed: it is (r, C), rows"


def answer(x, W, A, B, alpha):
    return x @ W.T + alpha / len(A) * (x @ A) @ B.T
