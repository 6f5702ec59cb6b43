import math

SAYS = "rise is not used"


def answer(step, steps, lr, rise):
    return lr * (1 + math.cos(math.pi * (step - 1) / steps)) / 2
