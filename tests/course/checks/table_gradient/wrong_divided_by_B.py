import torch
from torch.nn import functional as F

SAYS = "divided by B, the number of texts"


def answer(table, idx, targets):
    guesses = F.softmax(table[idx], dim=-1)  # (B, T, V)
    errors = guesses - F.one_hot(targets, table.size(1))  # (B, T, V)
    errors = errors.flatten(0, 1) / idx.size(0)  # (B·T, V)
    return torch.zeros_like(table).index_add(0, idx.flatten(), errors)
