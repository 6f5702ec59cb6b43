import math

SAYS = "the last step has the rate 0"


def answer(step, steps, lr, rise):
    if step <= rise:
        return lr * step / rise
    done = (step - rise) / (steps - rise)
    return lr * 0.5 * (1 + math.cos(math.pi * done))
