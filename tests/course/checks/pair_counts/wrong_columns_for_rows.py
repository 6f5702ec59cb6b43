import torch

SAYS = "Rows and columns have changed places"


def answer(tokens, V):
    now, following = tokens[:-1], tokens[1:]  # (N - 1,) each
    pairs = following * V + now  # (N - 1,)
    return torch.bincount(pairs, minlength=V * V).view(V, V)
