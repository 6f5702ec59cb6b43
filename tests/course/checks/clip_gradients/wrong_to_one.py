import torch

SAYS = "brought to length 1"


def answer(grads, max_norm):
    norm = torch.cat([g.flatten() for g in grads]).norm()
    return [g / norm for g in grads] if norm > max_norm else grads
