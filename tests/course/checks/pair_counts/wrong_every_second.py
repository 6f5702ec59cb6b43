import torch

SAYS = "Every second pair is left out"


def answer(tokens, V):
    counts = torch.zeros(V, V, dtype=torch.long)
    for i in range(0, len(tokens) - 1, 2):
        counts[tokens[i], tokens[i + 1]] += 1
    return counts
