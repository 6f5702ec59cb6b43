import torch

SAYS = "All numbers are rounded up"


def answer(x):
    fraction, exponent = torch.frexp(x)  # x = fraction · 2^exponent
    whole = (fraction * 256).ceil()  # 8 bits: 128 to 256
    return torch.ldexp(whole, exponent - 8)
