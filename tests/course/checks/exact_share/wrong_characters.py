SAYS = "Characters are counted"


def answer(written, wanted):
    hits, total = 0, 0
    for text, expected in zip(written, wanted):
        line = text.split("\n")[0]
        hits += sum(a == b for a, b in zip(line, expected))
        total += len(expected)
    return hits / total
