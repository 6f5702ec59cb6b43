import numpy as np

SAYS = "The sign is wrong"


def answer(sizes, losses):
    a, b, _ = np.polyfit(np.log(sizes), losses, 2)
    return np.exp(b / (2 * a))
