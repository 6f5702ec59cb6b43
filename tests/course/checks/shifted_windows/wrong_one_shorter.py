import torch

SAYS = "one too short"


def answer(tokens, starts, T):
    window = tokens[starts[:, None] + torch.arange(T)]
    return window[:, :-1], window[:, 1:]
