import math

SAYS = "never reaches lr"


def answer(step, steps, lr, rise):
    if step <= rise:
        return lr * step / (rise + 1)
    done = (step - rise - 1) / (steps - rise)
    return lr * 0.5 * (1 + math.cos(math.pi * done))
