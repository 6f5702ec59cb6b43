SAYS = "Capitals are ignored"


def answer(written, wanted):
    first = [text.split("\n")[0].upper() for text in written]
    return sum(a == b.upper() for a, b in zip(first, wanted)) / len(wanted)
