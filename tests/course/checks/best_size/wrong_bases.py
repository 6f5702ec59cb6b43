import numpy as np

SAYS = "One logarithm in, another out"


def answer(sizes, losses):
    a, b, _ = np.polyfit(np.log10(sizes), losses, 2)
    return np.exp(-b / (2 * a))
