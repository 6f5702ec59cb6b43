SAYS = "It is one too short"


def answer(text, source):
    n = 0
    while any(text[i : i + n + 1] in source for i in range(len(text) - n)):
        n += 1
    return max(0, n - 1)
