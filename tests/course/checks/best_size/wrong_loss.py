import numpy as np

SAYS = "This is the loss at the lowest point"


def answer(sizes, losses):
    a, b, c = np.polyfit(np.log(sizes), losses, 2)
    return c - b**2 / (4 * a)
