def answer(pieces, count):
    words = [[list(ids), n] for ids, n in pieces.items()]
    found = []
    for step in range(count):
        counts = {}
        for ids, n in words:
            for i in range(len(ids) - 1):
                pair = ids[i], ids[i + 1]
                counts[pair] = counts.get(pair, 0) + n
        if not counts:
            break
        most = max(counts.values())
        pair = min(p for p in counts if counts[p] == most)
        found.append(list(pair))
        for ids, _ in words:
            i = 0
            while i < len(ids) - 1:
                if (ids[i], ids[i + 1]) == pair:
                    ids[i : i + 2] = [256 + step]
                i += 1
    return found
