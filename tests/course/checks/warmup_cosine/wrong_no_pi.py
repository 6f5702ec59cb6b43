import math

SAYS = "π is missing"


def answer(step, steps, lr, rise):
    if step <= rise:
        return lr * step / rise
    done = (step - rise - 1) / (steps - rise)
    return lr * (1 + math.cos(done)) / 2
