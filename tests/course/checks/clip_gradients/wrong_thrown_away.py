import torch

SAYS = "thrown away"


def answer(grads, max_norm):
    norm = torch.cat([g.flatten() for g in grads]).norm()
    if norm > max_norm:
        return [torch.zeros_like(g) for g in grads]
    return grads
