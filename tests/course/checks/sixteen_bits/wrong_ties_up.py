import torch

SAYS = "Ties are rounded up"


def answer(x):
    fraction, exponent = torch.frexp(x)  # x = fraction · 2^exponent
    whole = (fraction * 256 + 0.5).floor()  # 8 bits: 128 to 256
    return torch.ldexp(whole, exponent - 8)
