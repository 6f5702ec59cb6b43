import torch

SAYS = "output of the last head"


def answer(x, heads, proj):
    outputs = [heads[-1](x) for _ in heads]  # H × (B, T, d)
    return proj(torch.cat(outputs, dim=-1))  # (B, T, C)
