SAYS = "only holds the right one"


def answer(written, wanted):
    first = [text.split("\n")[0] for text in written]
    return sum(b in a for a, b in zip(first, wanted)) / len(wanted)
