import torch

SAYS = "The exponent is gone"


def answer(x):
    fraction = torch.frexp(x).mantissa
    return (fraction * 256).round() / 256
