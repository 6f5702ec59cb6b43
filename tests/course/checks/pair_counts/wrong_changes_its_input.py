import torch

SAYS = "changed in place"


def answer(tokens, V):
    now, following = tokens[:-1].clone(), tokens[1:].clone()
    tokens += 1
    return torch.bincount(now * V + following, minlength=V * V).view(V, V)
