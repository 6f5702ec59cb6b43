import math

SAYS = "The cosine began with step 1"


def answer(step, steps, lr, rise):
    if step <= rise:
        return lr * step / rise
    return lr * (1 + math.cos(math.pi * (step - 1) / steps)) / 2
