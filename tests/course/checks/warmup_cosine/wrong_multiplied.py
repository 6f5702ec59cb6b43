import math

SAYS = "expected one after the other"


def answer(step, steps, lr, rise):
    up = min(1, step / rise) if rise else 1
    return lr * up * (1 + math.cos(math.pi * (step - 1) / steps)) / 2
