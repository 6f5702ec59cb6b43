import math

SAYS = "begins at twice the rate"


def answer(step, steps, lr, rise):
    if step <= rise:
        return lr * step / rise
    done = (step - rise - 1) / (steps - rise)
    return lr * (1 + math.cos(math.pi * done))
