import torch

SAYS = "over the texts of the batch"


def answer(x):
    return x.cumsum(dim=0) / torch.arange(1, x.size(0) + 1).view(-1, 1, 1)
