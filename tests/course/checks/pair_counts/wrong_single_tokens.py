import torch

SAYS = "counts single tokens"


def answer(tokens, V):
    return torch.bincount(tokens, minlength=V)
