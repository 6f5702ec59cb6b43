import torch

SAYS = "one too long"


def answer(tokens, starts, T):
    places = starts[:, None] + torch.arange(T + 1)  # (B, T)
    return tokens[places], tokens[places + 1]  # (B, T) each
