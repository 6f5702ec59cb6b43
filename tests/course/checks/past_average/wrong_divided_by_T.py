import torch

SAYS = "divided by T, the whole length"


def answer(x):
    T = x.size(1)
    w = torch.ones(T, T).tril()  # (T, T)
    w = w / T  # (T, T)
    return w @ x  # (B, T, C)
