import torch


def answer(x):
    bits = x.view(torch.int32)
    even = (bits >> 16) & 1
    return ((bits + 0x7FFF + even) & -0x10000).view(torch.float32)
