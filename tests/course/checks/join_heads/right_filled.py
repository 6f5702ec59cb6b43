import torch


def answer(x, parts, mix):
    B, T, _ = x.shape
    y = torch.empty(B, T, 0)
    for part in parts:
        y = torch.cat((y, part(x)), 2)
    return mix(y)
