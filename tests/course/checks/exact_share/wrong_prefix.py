SAYS = "begins rightly"


def answer(written, wanted):
    right = 0
    for text, expected in zip(written, wanted):
        right += text[: len(expected)] == expected
    return right / len(wanted)
