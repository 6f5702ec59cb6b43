import math

SAYS = "equally likely choices"


def answer(losses, ids, decode):
    return math.exp(losses.sum() / len(decode(ids[1:])))
