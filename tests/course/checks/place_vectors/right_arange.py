import torch


def answer(idx, tokens, places):
    T = idx.size(1)
    return tokens(idx) + places(torch.arange(T))  # (B, T, C)
