import math

SAYS = "a whole turn of the cosine"


def answer(step, steps, lr, rise):
    if step <= rise:
        return lr * step / rise
    done = (step - rise - 1) / (steps - rise)
    return lr * (1 + math.cos(2 * math.pi * done)) / 2
