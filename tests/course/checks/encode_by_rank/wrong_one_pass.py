SAYS = "goes through the piece once"


def answer(ids, ranks):
    out = []
    for i in ids:
        out.append(i)
        if len(out) > 1 and (out[-2], out[-1]) in ranks:
            b, a = out.pop(), out.pop()
            out.append(256 + ranks[a, b])
    return out
