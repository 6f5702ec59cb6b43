import torch

SAYS = "filled with a zero"


def answer(tokens, starts, T):
    idx = tokens[starts[:, None] + torch.arange(T)]
    targets = torch.zeros_like(idx)
    targets[:, :-1] = idx[:, 1:]
    return idx, targets
