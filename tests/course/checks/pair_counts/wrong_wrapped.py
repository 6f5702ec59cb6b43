import torch

SAYS = "as if the first came after it"


def answer(tokens, V):
    now, following = tokens, tokens.roll(-1)
    pairs = now * V + following  # (N - 1,)
    return torch.bincount(pairs, minlength=V * V).view(V, V)
