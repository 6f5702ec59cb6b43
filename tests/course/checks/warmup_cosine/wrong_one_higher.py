import math

SAYS = "must be the first with the full rate"


def answer(step, steps, lr, rise):
    if step <= rise:
        return lr * (step + 1) / rise
    done = (step - rise - 1) / (steps - rise)
    return lr * (1 + math.cos(math.pi * done)) / 2
