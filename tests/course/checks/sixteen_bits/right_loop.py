import math

import torch


def answer(numbers):
    rounded = []
    for x in numbers.tolist():
        step = 2.0 ** (math.frexp(x)[1] - 8)
        rounded.append(round(x / step) * step)
    return torch.tensor(rounded)
