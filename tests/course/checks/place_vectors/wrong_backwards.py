import torch

SAYS = "counted from the end"


def answer(idx, tokens, places):
    T = idx.size(1)
    return tokens(idx) + places(torch.arange(T - 1, -1, -1))  # (B, T, C)
