SAYS = "The last character of the text is never looked at"


def answer(text, source):
    n = 0
    while any(text[i : i + n + 1] in source for i in range(len(text) - n - 1)):
        n += 1
    return n
