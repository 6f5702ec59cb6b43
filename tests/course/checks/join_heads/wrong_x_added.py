import torch

SAYS = "x is added"


def answer(x, heads, proj):
    outputs = [head(x) for head in heads]  # H × (B, T, d)
    return x + proj(torch.cat(outputs, dim=-1))  # (B, T, C)
