from collections import Counter
from itertools import pairwise

SAYS = "share the middle 5"


def replaced(ids, pair, new):
    merged, used = [], False
    for i, token in enumerate(ids):
        if tuple(ids[i : i + 2]) == pair:
            merged.append(new)
            used = True
        elif used:
            used = False
        else:
            merged.append(token)
    return tuple(merged)


def answer(pieces, count):
    merges = []
    while len(merges) < count:
        together = Counter()
        for ids, times in pieces.items():
            for pair in pairwise(ids):
                together[pair] += times
        if not together:
            break
        pair = min(together, key=lambda p: (-together[p], p))
        new = 256 + len(merges)
        merges.append(pair)
        pieces = {replaced(ids, pair, new): n for ids, n in pieces.items()}
    return merges
