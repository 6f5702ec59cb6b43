import torch

SAYS = "as torch.roll gives"


def answer(tokens, starts, T):
    places = starts[:, None] + torch.arange(T)  # (B, T)
    return tokens[places], tokens[places].roll(-1, dims=1)  # (B, T) each
