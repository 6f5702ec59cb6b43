import torch

SAYS = "counted once"


def answer(tokens, V):
    counts = torch.zeros(V, V, dtype=torch.long)
    counts[tokens[:-1], tokens[1:]] += 1
    return counts
