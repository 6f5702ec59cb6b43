import math

SAYS = "These are bits a *token*"


def answer(losses, ids, decode):
    return losses.mean() / math.log(2)
