import math

SAYS = "divided by the number of bytes"


def answer(losses, ids, decode):
    return losses.sum() / math.log(2) / len(decode(ids[1:]).encode())
