import torch

SAYS = "half the sum"


def answer(idx, tokens, places):
    T = idx.size(1)
    return (tokens(idx) + places(torch.arange(T))) / 2  # (B, T, C)
