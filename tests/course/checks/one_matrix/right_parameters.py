import torch
from torch import nn


def answer(heads):
    rows, starts = [], []
    for kind in ["query", "key", "value"]:
        for head in heads:
            layer = getattr(head, kind)
            rows.extend(layer.weight.detach())
            starts.extend(layer.bias.detach())
    made = nn.Linear(len(rows[0]), len(rows))
    made.weight = nn.Parameter(torch.stack(rows))
    made.bias = nn.Parameter(torch.stack(starts))
    return made.double().float()
