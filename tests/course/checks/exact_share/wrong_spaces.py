SAYS = "Spaces are cut off"


def answer(written, wanted):
    first = [text.splitlines()[0].strip() for text in written]
    return sum(a == b for a, b in zip(first, wanted)) / len(wanted)
