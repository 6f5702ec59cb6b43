import torch

SAYS = "begin at the first start"


def answer(tokens, starts, T):
    places = starts[0] + torch.arange(T).expand(len(starts), T)  # (B, T)
    return tokens[places], tokens[places + 1]  # (B, T) each
