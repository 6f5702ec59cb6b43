import torch

SAYS = "This is the norm"


def answer(grads, max_norm):
    return torch.cat([g.flatten() for g in grads]).norm()
