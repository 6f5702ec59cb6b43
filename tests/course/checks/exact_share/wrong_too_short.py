SAYS = "breaks off counts"


def answer(written, wanted):
    first = [text.split("\n")[0] for text in written]
    return sum(b[: len(a)] == a for a, b in zip(first, wanted)) / len(wanted)
