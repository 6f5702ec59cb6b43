import math

SAYS = "The last token's characters are not counted"


def answer(losses, ids, decode):
    return losses.sum() / math.log(2) / len(decode(ids[:-1]))
