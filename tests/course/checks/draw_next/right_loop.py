import math


def answer(logits, u):
    weights = [math.exp(z) for z in logits.tolist()]
    point, i = u * sum(weights), 0
    while point > weights[i]:
        point -= weights[i]
        i += 1
    return i
