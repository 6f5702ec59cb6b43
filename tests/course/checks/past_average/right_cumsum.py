import torch


def answer(x):
    count = torch.arange(1, x.size(1) + 1).view(-1, 1)  # (T, 1)
    return x.cumsum(dim=1) / count  # (B, T, C)
