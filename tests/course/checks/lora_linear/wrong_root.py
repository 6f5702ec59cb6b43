SAYS = "rsLoRA"


def answer(x, W, A, B, alpha):
    rank = B.shape[1]
    return x @ W.T + alpha / rank**0.5 * (x @ A.T) @ B.T
