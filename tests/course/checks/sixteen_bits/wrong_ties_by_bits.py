import torch

SAYS = "rounded away from zero"


def answer(x):
    return ((x.view(torch.int32) + 0x8000) & -0x10000).view(torch.float32)
