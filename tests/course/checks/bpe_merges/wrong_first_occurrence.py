from collections import Counter
from itertools import pairwise

SAYS = "Only the first occurrence in a piece"


def replaced(ids, pair, new):
    for i in range(len(ids) - 1):
        if ids[i : i + 2] == pair:
            return (*ids[:i], new, *ids[i + 2 :])
    return ids


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
