import math

import torch

SAYS = "rounded away from zero"


def answer(x):
    rounded = []
    for number in x.tolist():
        fraction, exponent = math.frexp(abs(number))
        whole = math.floor(fraction * 256 + 0.5)
        rounded.append(math.copysign(math.ldexp(whole, exponent - 8), number))
    return torch.tensor(rounded)
