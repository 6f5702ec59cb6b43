from itertools import pairwise

SAYS = "stops after one merge"


def replaced(ids, pair, new):
    merged = []
    while ids:
        here = tuple(ids[:2]) == pair
        merged.append(new if here else ids[0])
        ids = ids[2 if here else 1 :]
    return merged


def answer(ids, ranks):
    known = [pair for pair in pairwise(ids) if pair in ranks]
    if not known:
        return ids
    pair = min(known, key=ranks.get)
    return replaced(ids, pair, 256 + ranks[pair])
