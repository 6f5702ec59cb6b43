import math

SAYS = "decoded one by one"


def answer(losses, ids, decode):
    characters = sum(len(decode([i])) for i in ids[1:])
    return losses.sum() / math.log(2) / characters
