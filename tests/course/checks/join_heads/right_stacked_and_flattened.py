import torch


def answer(x, heads, proj):
    y = torch.stack([head(x) for head in heads], dim=2)  # (B, T, H, d)
    return proj(y.flatten(2)).double()
