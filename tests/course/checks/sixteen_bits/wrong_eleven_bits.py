import torch

SAYS = "float16's 11 significant bits"


def answer(x):
    fraction, exponent = torch.frexp(x)  # x = fraction · 2^exponent
    whole = (fraction * 2**11).round()  # 8 bits: 128 to 256
    return torch.ldexp(whole, exponent - 11)
