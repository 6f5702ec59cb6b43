import torch

SAYS = "both ways"


def answer(tokens, V):
    counts = torch.zeros(V, V, dtype=torch.long)
    for x, y in zip(tokens[:-1], tokens[1:]):
        counts[x, y] += 1
        counts[y, x] += 1
    return counts
