import torch

SAYS = "The last pair is missing"


def answer(tokens, V):
    counts = torch.zeros(V, V, dtype=torch.long)
    for i in range(len(tokens) - 2):
        counts[tokens[i], tokens[i + 1]] += 1
    return counts
