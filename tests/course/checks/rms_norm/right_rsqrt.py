import torch


def answer(x, eps):
    scale = torch.rsqrt((x * x).sum(-1) / x.shape[-1] + eps)
    return x * scale.unsqueeze(-1)
