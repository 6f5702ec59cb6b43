from itertools import pairwise

from gptlib.bpe import merge


def answer(ids, ranks):
    while True:
        known = [pair for pair in pairwise(ids) if pair in ranks]
        if not known:
            return ids
        pair = min(known, key=ranks.get)
        ids = merge(ids, pair, 256 + ranks[pair])
