import torch

SAYS = "numbered along the batch"


def answer(idx, tokens, places):
    T = idx.size(1)
    return tokens(idx) + places(torch.arange(idx.size(0)))[:, None]  # (B, T, C)
