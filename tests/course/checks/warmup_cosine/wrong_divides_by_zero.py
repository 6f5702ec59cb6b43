import math

SAYS = "With rise = 0 this divides by zero"


def answer(step, steps, lr, rise):
    up = min(1, step / rise)
    done = max(0, step - rise - 1) / (steps - rise)
    return lr * up * (1 + math.cos(math.pi * done)) / 2
