import torch

SAYS = "These are decimals"


def answer(x):
    return torch.round(x, decimals=2)
