import torch


def answer(x, gain, bias, eps):
    mean = x.mean(dim=-1, keepdim=True)  # (..., 1)
    variance = x.var(dim=-1, unbiased=False, keepdim=True)  # (..., 1)
    return gain * (x - mean) / torch.sqrt(variance + eps) + bias
