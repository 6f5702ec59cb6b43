SAYS = "compared with all answers"


def answer(written, wanted):
    known = set(wanted)
    return sum(text.split("\n")[0] in known for text in written) / len(written)
