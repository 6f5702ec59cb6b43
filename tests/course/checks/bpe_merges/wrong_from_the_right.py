from collections import Counter
from itertools import pairwise

SAYS = "replaced from the right"


def replaced(ids, pair, new):
    ids, i = list(ids), len(ids) - 2
    while i >= 0:
        if (ids[i], ids[i + 1]) == pair:
            ids[i : i + 2] = [new]
            i -= 1
        i -= 1
    return tuple(ids)


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
