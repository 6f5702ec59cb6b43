import torch

SAYS = "reverse order"


def answer(x, heads, proj):
    outputs = [head(x) for head in reversed(heads)]  # H × (B, T, d)
    return proj(torch.cat(outputs, dim=-1))  # (B, T, C)
