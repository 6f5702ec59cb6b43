import numpy as np

SAYS = "the best of the sizes measured"


def answer(sizes, losses):
    return sizes[int(np.argmin(losses))]
