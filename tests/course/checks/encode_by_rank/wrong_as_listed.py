SAYS = "in which the dictionary lists them"


def replaced(ids, pair, new):
    merged = []
    while ids:
        here = tuple(ids[:2]) == pair
        merged.append(new if here else ids[0])
        ids = ids[2 if here else 1 :]
    return merged


def answer(ids, ranks):
    for pair in ranks:
        ids = replaced(ids, pair, 256 + ranks[pair])
    return ids
