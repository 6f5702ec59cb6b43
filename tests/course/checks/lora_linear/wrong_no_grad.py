import torch

SAYS = "the numbers are right, but nothing could be learned"


@torch.no_grad()
def answer(x, W, A, B, alpha):
    return x @ (W + alpha / len(A) * B @ A).T
