SAYS = "Capitals and small letters"


def answer(text, source):
    text, source, n = text.lower(), source.lower(), 0
    while any(text[i : i + n + 1] in source for i in range(len(text) - n)):
        n += 1
    return n
