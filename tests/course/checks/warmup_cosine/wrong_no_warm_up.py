import math

SAYS = "The warm-up is missing"


def answer(step, steps, lr, rise):
    done = max(0, step - rise - 1) / (steps - rise)
    return lr * (1 + math.cos(math.pi * done)) / 2
