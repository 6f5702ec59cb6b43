import torch

SAYS = "which mixes places"


def answer(x, heads, proj):
    outputs = [head(x) for head in heads]  # H × (B, T, d)
    return proj(torch.stack(outputs, dim=1).reshape(x.shape))  # (B, T, C)
