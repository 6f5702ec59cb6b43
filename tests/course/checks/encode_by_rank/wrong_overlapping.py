from itertools import pairwise

SAYS = "share the middle 5"


def replaced(ids, pair, new):
    hits = [i for i in range(len(ids) - 1) if tuple(ids[i : i + 2]) == pair]
    used = {i + 1 for i in hits} - {*hits}
    return [new if i in hits else ids[i] for i in range(len(ids)) if i not in used]


def answer(ids, ranks):
    while True:
        known = [pair for pair in pairwise(ids) if pair in ranks]
        if not known:
            return ids
        pair = min(known, key=ranks.get)
        ids = replaced(ids, pair, 256 + ranks[pair])
