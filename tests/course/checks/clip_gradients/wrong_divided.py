import torch

SAYS = "divided by max_norm"


def answer(grads, max_norm):
    norm = torch.cat([g.flatten() for g in grads]).norm()
    return [g / max_norm for g in grads] if norm > max_norm else grads
