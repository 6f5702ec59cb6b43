import torch

SAYS = "3 numbers differ"


def answer(x):
    T = x.size(1)
    w = torch.ones(T, T).tril()  # (T, T)
    w = w / w.sum(dim=0, keepdim=True)  # (T, T)
    return w @ x  # (B, T, C)
