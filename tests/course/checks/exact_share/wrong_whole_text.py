SAYS = "beyond the line's end"


def answer(written, wanted):
    return sum(a == b for a, b in zip(written, wanted)) / len(wanted)
