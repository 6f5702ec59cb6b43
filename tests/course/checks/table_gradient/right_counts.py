import torch


def answer(table, idx, targets):
    V = len(table)
    pairs = (idx * V + targets).flatten()
    counts = torch.bincount(pairs, minlength=V * V).view(V, V)
    n = counts.sum(1, keepdim=True)  # the errors of a row: n p - counts
    return (n * table.softmax(1) - counts) / idx.numel()
