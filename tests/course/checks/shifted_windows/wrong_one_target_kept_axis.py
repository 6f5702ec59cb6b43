import torch

SAYS = "(B, 1): a window is T"


def answer(tokens, starts, T):
    places = starts[:, None] + torch.arange(T)  # (B, T)
    return tokens[places], tokens[places[:, -1:] + 1]  # (B, T) each
