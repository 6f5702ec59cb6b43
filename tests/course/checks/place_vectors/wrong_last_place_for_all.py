import torch

SAYS = "of one place, the last"


def answer(idx, tokens, places):
    T = idx.size(1)
    return tokens(idx) + places(torch.tensor(T - 1))  # (B, T, C)
