import torch


def answer(text, size):
    counts = torch.zeros(size, size, dtype=torch.int32)
    ones = torch.ones(len(text) - 1, dtype=torch.int32)
    return counts.index_put((text[:-1], text[1:]), ones, accumulate=True)
