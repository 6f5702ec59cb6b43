import torch

SAYS = "These are the sums"


def answer(x):
    T = x.size(1)
    w = torch.ones(T, T).tril()  # (T, T)
    return w @ x  # (B, T, C)
