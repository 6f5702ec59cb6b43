import torch

SAYS = "two apart"


def answer(tokens, V):
    now, following = tokens[:-2], tokens[2:]  # (N - 1,) each
    pairs = now * V + following  # (N - 1,)
    return torch.bincount(pairs, minlength=V * V).view(V, V)
