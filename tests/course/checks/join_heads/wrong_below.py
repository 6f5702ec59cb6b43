import torch

SAYS = "along the places"


def answer(x, heads, proj):
    outputs = [head(x) for head in heads]  # H × (B, T, d)
    return proj(torch.cat(outputs, dim=1))  # (B, T, C)
