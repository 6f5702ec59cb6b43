import torch
from torch.nn import functional as F

SAYS = "how often its character occurs"


def answer(table, idx, targets):
    guesses = F.softmax(table[idx], dim=-1)  # (B, T, V)
    errors = guesses - F.one_hot(targets, table.size(1))  # (B, T, V)
    errors = errors.flatten(0, 1) / idx.numel()  # (B·T, V)
    seen = torch.bincount(idx.flatten(), minlength=len(table)).clamp(min=1)
    found = torch.zeros_like(table).index_add(0, idx.flatten(), errors)
    return found * idx.numel() / seen[:, None]
