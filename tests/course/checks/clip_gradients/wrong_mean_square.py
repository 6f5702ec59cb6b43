import torch

SAYS = "The squares are averaged"


def answer(grads, max_norm):
    norm = torch.cat([g.flatten() for g in grads]).pow(2).mean().sqrt()
    return [g * max_norm / norm for g in grads] if norm > max_norm else grads
