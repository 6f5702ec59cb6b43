SAYS = "a run may begin anywhere in the text"


def answer(text, source):
    n = 0
    while n < min(len(text), len(source)) and text[n] == source[n]:
        n += 1
    return n
