import math

SAYS = "step 1 has the rate 0"


def answer(step, steps, lr, rise):
    if step <= rise:
        return lr * (step - 1) / rise
    done = (step - rise - 1) / (steps - rise)
    return lr * (1 + math.cos(math.pi * done)) / 2
