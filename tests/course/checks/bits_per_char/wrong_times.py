import math

SAYS = "multiplied by ln 2"


def answer(losses, ids, decode):
    return losses.sum() * math.log(2) / len(decode(ids[1:]))
