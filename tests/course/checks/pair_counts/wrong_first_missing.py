import torch

SAYS = "The first pair is missing"


def answer(tokens, V):
    counts = torch.zeros(V, V, dtype=torch.long)
    for i in range(2, len(tokens)):
        counts[tokens[i - 1], tokens[i]] += 1
    return counts
