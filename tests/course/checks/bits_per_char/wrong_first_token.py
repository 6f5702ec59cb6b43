import math

SAYS = "The characters of ids[0] are counted"


def answer(losses, ids, decode):
    return losses.sum() / math.log(2) / len(decode(ids))
