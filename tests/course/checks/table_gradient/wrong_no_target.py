import torch
from torch.nn import functional as F

SAYS = "What came is missing"


def answer(table, idx, targets):
    guesses = F.softmax(table[idx], dim=-1)  # (B, T, V)
    errors = guesses  # (B, T, V)
    errors = errors.flatten(0, 1) / idx.numel()  # (B·T, V)
    return torch.zeros_like(table).index_add(0, idx.flatten(), errors)
