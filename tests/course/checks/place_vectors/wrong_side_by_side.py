import torch

SAYS = "stand side by side"


def answer(idx, tokens, places):
    B, T = idx.shape
    there = places(torch.arange(T)).expand(B, T, -1)
    return torch.cat([tokens(idx), there], dim=-1)
