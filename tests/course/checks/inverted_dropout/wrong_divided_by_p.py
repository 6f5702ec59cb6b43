import torch

SAYS = "divided by p"


def answer(x, p, u, training):
    if not training or p == 0:
        return x
    return torch.where(u >= p, x / p, torch.zeros_like(x))
