import torch

SAYS = "One bit too few"


def answer(x):
    fraction, exponent = torch.frexp(x)  # x = fraction · 2^exponent
    whole = (fraction * 128).round()  # 8 bits: 128 to 256
    return torch.ldexp(whole, exponent - 7)
