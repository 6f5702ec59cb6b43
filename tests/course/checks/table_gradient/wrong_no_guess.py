import torch
from torch.nn import functional as F

SAYS = "guesses p are missing"


def answer(table, idx, targets):
    errors = -F.one_hot(targets, table.size(1)).float()  # (B, T, V)
    errors = errors.flatten(0, 1) / idx.numel()  # (B·T, V)
    return torch.zeros_like(table).index_add(0, idx.flatten(), errors)
