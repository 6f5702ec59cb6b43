import torch

SAYS = "random numbers of its own"


def answer(x, p, u, training):
    if not training:
        return x
    keep = torch.rand_like(x) >= p
    return x * keep / (1 - p)
