import torch

SAYS = "`keepdim=True` is missing"


def answer(x, gain, bias, eps):
    mean = x.mean(-1)
    var = x.var(-1, unbiased=False)
    return gain * (x - mean) / torch.sqrt(var + eps) + bias
