SAYS = "the first length that is *not* shared"


def answer(text, source):
    n = 1
    while any(text[i : i + n] in source for i in range(len(text) - n + 1)):
        n += 1
    return n
