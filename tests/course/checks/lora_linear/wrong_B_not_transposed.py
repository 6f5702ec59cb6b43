SAYS = "B is not transposed: it is (D, r)"


def answer(x, W, A, B, alpha):
    h = x @ A.T
    return x @ W.T + alpha / len(A) * h @ B
