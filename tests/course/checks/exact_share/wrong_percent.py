SAYS = "in per cent"


def answer(written, wanted):
    first = [text.split("\n")[0] for text in written]
    return 100 * sum(a == b for a, b in zip(first, wanted)) / len(wanted)
