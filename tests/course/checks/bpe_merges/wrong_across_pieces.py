from collections import Counter
from itertools import pairwise

SAYS = "across the end of a piece"


def replaced(ids, pair, new):
    merged = []
    while ids:
        here = tuple(ids[:2]) == pair
        merged.append(new if here else ids[0])
        ids = ids[2 if here else 1 :]
    return tuple(merged)


def answer(pieces, count):
    text = tuple(i for ids, times in pieces.items() for i in ids * times)
    merges = []
    for new in range(256, 256 + count):
        together = Counter(pairwise(text))
        if not together:
            break
        pair = min(together, key=lambda p: (-together[p], p))
        merges.append(pair)
        text = replaced(text, pair, new)
    return merges
