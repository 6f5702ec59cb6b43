import torch

SAYS = "which is RMSNorm"


def answer(x, gain, bias, eps):
    ms = (x**2).mean(-1, keepdim=True)
    return gain * x * torch.rsqrt(ms + eps) + bias
