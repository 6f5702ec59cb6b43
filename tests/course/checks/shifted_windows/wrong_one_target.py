import torch

SAYS = "a window is T predictions, so T targets"


def answer(tokens, starts, T):
    places = starts[:, None] + torch.arange(T)  # (B, T)
    return tokens[places], tokens[starts + T]  # (B, T) each
