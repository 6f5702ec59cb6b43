import torch


def answer(x, p, u, training):
    if not training:
        return x
    return torch.where(u < p, 0.0, x / (1 - p))
