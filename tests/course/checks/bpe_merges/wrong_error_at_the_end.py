from collections import Counter
from itertools import pairwise

SAYS = "When no pair is left it breaks"


def replaced(ids, pair, new):
    merged = []
    while ids:
        here = tuple(ids[:2]) == pair
        merged.append(new if here else ids[0])
        ids = ids[2 if here else 1 :]
    return tuple(merged)


def answer(pieces, count):
    merges = []
    while len(merges) < count:
        together = Counter()
        for ids, times in pieces.items():
            for pair in pairwise(ids):
                together[pair] += times
        pair = min(together, key=lambda p: (-together[p], p))
        new = 256 + len(merges)
        merges.append(pair)
        pieces = {replaced(ids, pair, new): n for ids, n in pieces.items()}
    return merges
