import torch

SAYS = "Each number is cut at the limit"


def answer(grads, max_norm):
    return [torch.clamp(g, min=-max_norm, max=max_norm) for g in grads]
