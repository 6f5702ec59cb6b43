"""Answers to encode_by_rank, right and wrong."""

RIGHT = {
    "every merge in turn": """
def answer(ids, ranks):
    '''Each merge once, in order: none can come up again after its turn.'''
    for rank, pair in sorted((rank, pair) for pair, rank in ranks.items()):
        out = []
        for i in ids:
            if i is not None and out and (out[-1], i) == pair:
                out[-1] = 256 + rank
            else:
                out.append(i)
        ids = out
    return ids
""",
    "one place at a time": """
def answer(ids, ranks):
    ids = list(ids)
    while True:
        best = None
        for i in range(len(ids) - 1):
            rank = ranks.get((ids[i], ids[i + 1]))
            if rank is not None and (best is None or rank < best[0]):
                best = rank, i
        if best is None:
            return ids
        rank, i = best
        ids[i : i + 2] = [256 + rank]
""",
}
