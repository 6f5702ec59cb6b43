import torch

SAYS = "stopped with IndexError"


def answer(idx, tokens, places):
    T = idx.size(1)
    return tokens(idx) + places(torch.arange(1, T + 1))  # (B, T, C)
