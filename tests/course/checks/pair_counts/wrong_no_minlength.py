import torch

SAYS = "minlength=V * V gives room"


def answer(tokens, V):
    now, following = tokens[:-1], tokens[1:]  # (N - 1,) each
    pairs = now * V + following  # (N - 1,)
    return torch.bincount(pairs).view(V, V)
