import torch

SAYS = "stacked on an axis"


def answer(x, heads, proj):
    outputs = [head(x) for head in heads]  # H × (B, T, d)
    return proj(torch.stack(outputs, dim=1))  # (B, T, C)
