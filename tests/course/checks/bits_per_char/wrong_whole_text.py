import math

SAYS = "the surprise at the whole text"


def answer(losses, ids, decode):
    return losses.sum() / math.log(2)
