import torch
from torch.nn import functional as F

SAYS = "adds its error once"


def answer(table, idx, targets):
    guesses = F.softmax(table[idx], dim=-1)  # (B, T, V)
    errors = guesses - F.one_hot(targets, table.size(1))  # (B, T, V)
    errors = errors.flatten(0, 1) / idx.numel()  # (B·T, V)
    found = torch.zeros_like(table)
    found[idx.flatten()] += errors
    return found
