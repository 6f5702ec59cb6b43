import torch

SAYS = "place vectors alone"


def answer(idx, tokens, places):
    B, T = idx.shape
    return places(torch.arange(T)).expand(B, T, -1)
