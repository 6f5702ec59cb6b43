import torch
from torch import nn

SAYS = "stand head by head"


def answer(heads):
    kinds = ("query", "key", "value")
    parts = [getattr(head, kind) for head in heads for kind in kinds]
    C = parts[0].in_features
    qkv = nn.Linear(C, 3 * C)
    with torch.no_grad():
        qkv.weight.copy_(torch.cat([part.weight for part in parts]))
        qkv.bias.copy_(torch.cat([part.bias for part in parts]))
    return qkv
