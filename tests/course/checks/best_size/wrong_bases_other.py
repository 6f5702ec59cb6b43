import numpy as np

SAYS = "np.exp undoes np.log"


def answer(sizes, losses):
    a, b, _ = np.polyfit(np.log(sizes), losses, 2)
    return 10 ** (-b / (2 * a))
