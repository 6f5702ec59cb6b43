import torch.nn.functional as F


def answer(x, W, A, B, alpha):
    r = len(A)
    return F.linear(x, W) + F.linear(F.linear(x, A), B) * (alpha / r)
