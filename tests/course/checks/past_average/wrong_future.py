import torch

SAYS = "averages the future"


def answer(x):
    T = x.size(1)
    w = torch.ones(T, T).triu()  # (T, T)
    w = w / w.sum(dim=1, keepdim=True)  # (T, T)
    return w @ x  # (B, T, C)
