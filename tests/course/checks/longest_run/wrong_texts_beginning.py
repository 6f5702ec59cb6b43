SAYS = "Only runs from the beginning of the text"


def answer(text, source):
    n = 0
    while n < len(text) and text[: n + 1] in source:
        n += 1
    return n
