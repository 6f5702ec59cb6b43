import torch

SAYS = "only for the tokens that occur"


def answer(tokens, V):
    size = tokens.max() + 1
    counts = torch.zeros(size, size, dtype=torch.long)
    for x, y in zip(tokens[:-1], tokens[1:]):
        counts[x, y] += 1
    return counts
