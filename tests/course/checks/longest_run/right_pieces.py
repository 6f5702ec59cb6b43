def pieces(text, n):
    return {text[i : i + n] for i in range(len(text) - n + 1)}


def answer(text, source):
    n = 0
    while pieces(text, n + 1) & pieces(source, n + 1):
        n += 1
    return n
