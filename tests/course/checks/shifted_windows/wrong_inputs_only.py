import torch

SAYS = "expected a list"


def answer(tokens, starts, T):
    places = starts[:, None] + torch.arange(T)  # (B, T)
    return tokens[places]  # (B, T) each
