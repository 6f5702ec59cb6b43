import numpy as np

SAYS = "not enough values to unpack"


def answer(sizes, losses):
    a, b, _ = np.polyfit(np.log(sizes), losses, 1)
    return np.exp(-b / (2 * a))
