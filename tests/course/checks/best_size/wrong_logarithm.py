import numpy as np

SAYS = "This is ln N"


def answer(sizes, losses):
    a, b, _ = np.polyfit(np.log(sizes), losses, 2)
    return -b / (2 * a)
