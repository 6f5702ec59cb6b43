SAYS = "the source may have it again later"


def answer(text, source):
    longest = 0
    for i in range(len(text)):
        at, n = source.find(text[i]), 0
        if at < 0:
            continue
        while i + n < len(text) and at + n < len(source):
            if text[i + n] != source[at + n]:
                break
            n += 1
        longest = max(longest, n)
    return longest
