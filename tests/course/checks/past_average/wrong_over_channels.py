import torch

SAYS = "over the channels"


def answer(x):
    return x.cumsum(dim=-1) / torch.arange(1, x.size(-1) + 1)
