import torch

SAYS = "vector of place 0: expected"


def answer(idx, tokens, places):
    T = idx.size(1)
    return tokens(idx) + places(torch.zeros(T, dtype=torch.long))  # (B, T, C)
