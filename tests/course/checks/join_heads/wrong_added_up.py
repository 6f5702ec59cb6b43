import torch

SAYS = "heads are added up"


def answer(x, heads, proj):
    outputs = [head(x) for head in heads]  # H × (B, T, d)
    return proj(torch.stack(outputs).sum(0).repeat(1, 1, len(heads)))  # (B, T, C)
