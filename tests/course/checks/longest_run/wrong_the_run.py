SAYS = "wanted is its length"


def answer(text, source):
    best = ""
    for i in range(len(text)):
        for j in range(i + 1, len(text) + 1):
            if text[i:j] in source and j - i > len(best):
                best = text[i:j]
    return best
