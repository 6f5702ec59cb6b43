import math

SAYS = "The cosine ends one step early"


def answer(step, steps, lr, rise):
    if step <= rise:
        return lr * step / rise
    done = (step - rise - 1) / (steps - rise - 1)
    return lr * 0.5 * (1 + math.cos(math.pi * done))
