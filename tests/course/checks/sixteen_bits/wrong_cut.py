import torch

SAYS = "The low bits are cut off"


def answer(x):
    fraction, exponent = torch.frexp(x)  # x = fraction · 2^exponent
    whole = (fraction * 256).trunc()  # 8 bits: 128 to 256
    return torch.ldexp(whole, exponent - 8)
