import torch

SAYS = "heads' channels are interleaved"


def answer(x, heads, proj):
    outputs = [head(x) for head in heads]  # H × (B, T, d)
    return proj(torch.stack(outputs, dim=-1).flatten(2))  # (B, T, C)
