import torch

SAYS = "targets are the inputs"


def answer(tokens, starts, T):
    places = starts[:, None] + torch.arange(T)  # (B, T)
    return tokens[places], tokens[places]  # (B, T) each
