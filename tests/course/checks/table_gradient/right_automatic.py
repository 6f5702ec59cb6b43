import torch
from torch.nn import functional as F


def answer(table, idx, targets):
    table = table.clone().requires_grad_()
    loss = F.cross_entropy(table[idx].flatten(0, 1), targets.flatten())
    return torch.autograd.grad(loss, table)[0]
