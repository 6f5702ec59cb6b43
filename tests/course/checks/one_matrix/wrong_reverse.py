import torch
from torch import nn

SAYS = "reverse order"


def answer(heads):
    kinds = ("query", "key", "value")
    parts = [getattr(head, kind) for kind in kinds for head in heads[::-1]]
    C = parts[0].in_features
    qkv = nn.Linear(C, 3 * C)
    with torch.no_grad():
        qkv.weight.copy_(torch.cat([part.weight for part in parts]))
        qkv.bias.copy_(torch.cat([part.bias for part in parts]))
    return qkv
