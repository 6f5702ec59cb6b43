import math

SAYS = "a quarter of a turn"


def answer(step, steps, lr, rise):
    if step <= rise:
        return lr * step / rise
    done = (step - rise - 1) / (steps - rise)
    return lr * math.cos(math.pi * done / 2)
