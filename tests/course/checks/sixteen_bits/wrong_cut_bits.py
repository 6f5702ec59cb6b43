import torch

SAYS = "The low bits are cut off"


def answer(x):
    return (x.view(torch.int32) & -0x10000).view(torch.float32)
