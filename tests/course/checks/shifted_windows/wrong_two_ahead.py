import torch

SAYS = "lie two ahead"


def answer(tokens, starts, T):
    places = starts[:, None] + torch.arange(T)  # (B, T)
    return tokens[places], tokens[places + 2]  # (B, T) each
