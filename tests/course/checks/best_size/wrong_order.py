import numpy as np

SAYS = "highest power first"


def answer(sizes, losses):
    _, b, a = np.polyfit(np.log(sizes), losses, 2)
    return np.exp(-b / (2 * a))
