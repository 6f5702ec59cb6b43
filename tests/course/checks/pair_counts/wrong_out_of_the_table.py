import torch

SAYS = "Your code stopped with IndexError"


def answer(tokens, V):
    now, following = tokens[:-1], tokens[1:]  # (N - 1,) each
    pairs = now * V + following  # (N - 1,)
    return torch.bincount(pairs, minlength=V * V).view(V, V)[V]
