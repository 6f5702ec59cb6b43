SAYS = "takes the longest token that fits"


def answer(ids, ranks):
    spelt = {}
    for pair, rank in sorted(ranks.items(), key=lambda item: item[1]):
        spelt[256 + rank] = [x for i in pair for x in spelt.get(i, [i])]
    out = []
    while ids:
        fits = [t for t, s in spelt.items() if ids[: len(s)] == s]
        token = max(fits, key=lambda t: len(spelt[t])) if fits else ids[0]
        out.append(token)
        ids = ids[len(spelt.get(token, [token])) :]
    return out
