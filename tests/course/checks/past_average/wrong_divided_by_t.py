import torch

SAYS = "counted from 0: it has"


def answer(x):
    return x.cumsum(dim=1) / torch.arange(x.size(1)).view(-1, 1)
