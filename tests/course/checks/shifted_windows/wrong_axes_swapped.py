import torch

SAYS = "a row is a window"


def answer(tokens, starts, T):
    places = starts + torch.arange(T)[:, None]  # (B, T)
    return tokens[places], tokens[places + 1]  # (B, T) each
