import math

SAYS = "then averaged"


def answer(losses, ids, decode):
    lengths = [len(decode([i])) for i in ids[1:]]
    each = [x / n for x, n in zip(losses.tolist(), lengths)]
    return sum(each) / len(each) / math.log(2)
