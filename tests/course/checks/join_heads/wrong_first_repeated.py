import torch

SAYS = "output of head 0"


def answer(x, heads, proj):
    outputs = [heads[0](x) for _ in heads]  # H × (B, T, d)
    return proj(torch.cat(outputs, dim=-1))  # (B, T, C)
