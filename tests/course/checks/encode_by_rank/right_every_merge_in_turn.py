def answer(ids, ranks):
    """Each merge once, in order: none can come up again after its turn."""
    for rank, pair in sorted((rank, pair) for pair, rank in ranks.items()):
        out = []
        for i in ids:
            if i is not None and out and (out[-1], i) == pair:
                out[-1] = 256 + rank
            else:
                out.append(i)
        ids = out
    return ids
