import torch

SAYS = "These are shares"


def answer(tokens, V):
    counts = torch.zeros(V, V)
    for x, y in zip(tokens[:-1], tokens[1:]):
        counts[x, y] += 1
    return counts / counts.sum(dim=1, keepdim=True).clamp(min=1)
