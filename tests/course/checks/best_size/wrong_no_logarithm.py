import numpy as np

SAYS = "laid through (N, loss)"


def answer(sizes, losses):
    a, b, _ = np.polyfit(sizes, losses, 2)
    return -b / (2 * a)
