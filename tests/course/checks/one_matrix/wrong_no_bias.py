import torch
from torch import nn

SAYS = "biases are missing"


def answer(heads):
    kinds = ("query", "key", "value")
    parts = [getattr(head, kind) for kind in kinds for head in heads]
    C = parts[0].in_features
    qkv = nn.Linear(C, 3 * C, bias=False)
    with torch.no_grad():
        qkv.weight.copy_(torch.cat([part.weight for part in parts]))
    return qkv
