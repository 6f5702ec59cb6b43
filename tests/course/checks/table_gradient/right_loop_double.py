import torch


def answer(table, idx, targets):
    found = torch.zeros(table.shape, dtype=torch.double)
    for x, y in zip(idx.flatten().tolist(), targets.flatten().tolist()):
        found[x] += table[x].double().softmax(0)
        found[x, y] -= 1
    return found / idx.numel()
