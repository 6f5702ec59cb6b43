SAYS = "the number of right answers"


def answer(written, wanted):
    first = [text.split("\n")[0] for text in written]
    return sum(a == b for a, b in zip(first, wanted))
