import torch

SAYS = "Your code stopped with TypeError"


def answer(x, heads, proj):
    outputs = [head for head in heads]  # H × (B, T, d)
    return proj(torch.cat(outputs, dim=-1))  # (B, T, C)
