SAYS = "compared place by place"


def answer(text, source):
    longest = n = 0
    for a, b in zip(text, source):
        n = n + 1 if a == b else 0
        longest = max(longest, n)
    return longest
