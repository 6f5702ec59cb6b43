import torch
from torch.nn import functional as F

SAYS = "Rows and columns have changed"


def answer(table, idx, targets):
    guesses = F.softmax(table[idx], dim=-1)  # (B, T, V)
    errors = guesses - F.one_hot(targets, table.size(1))  # (B, T, V)
    errors = errors.flatten(0, 1) / idx.numel()  # (B·T, V)
    return torch.zeros_like(table).index_add(0, idx.flatten(), errors).T
