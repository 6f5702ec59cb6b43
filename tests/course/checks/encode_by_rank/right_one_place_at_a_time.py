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
