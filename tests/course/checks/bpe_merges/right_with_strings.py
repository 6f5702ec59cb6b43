import re


def answer(pieces, count):
    """Tokens as characters, a piece as a string: replacing is str.replace."""
    texts = [("".join(map(chr, ids)), n) for ids, n in pieces.items()]
    found = []
    for new in range(256, 256 + count):
        together = {}
        for text, n in texts:
            for pair in zip(text, text[1:]):
                together[pair] = together.get(pair, 0) + n
        ordered = sorted(together.items(), key=lambda item: (-item[1], item[0]))
        if not ordered:
            return found
        a, b = ordered[0][0]
        found.append((ord(a), ord(b)))
        texts = [(re.sub(re.escape(a + b), chr(new), text), n) for text, n in texts]
    return found
