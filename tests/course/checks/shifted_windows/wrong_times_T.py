import torch

SAYS = "multiplied by T"


def answer(tokens, starts, T):
    places = T * starts[:, None] + torch.arange(T)  # (B, T)
    return tokens[places], tokens[places + 1]  # (B, T) each
