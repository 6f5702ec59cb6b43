"""Answers to bpe_merges, right and wrong."""

RIGHT = {
    "lists": """
def answer(pieces, count):
    words = [[list(ids), n] for ids, n in pieces.items()]
    found = []
    for step in range(count):
        counts = {}
        for ids, n in words:
            for i in range(len(ids) - 1):
                pair = ids[i], ids[i + 1]
                counts[pair] = counts.get(pair, 0) + n
        if not counts:
            break
        most = max(counts.values())
        pair = min(p for p in counts if counts[p] == most)
        found.append(list(pair))
        for ids, _ in words:
            i = 0
            while i < len(ids) - 1:
                if (ids[i], ids[i + 1]) == pair:
                    ids[i : i + 2] = [256 + step]
                i += 1
    return found
""",
    "with strings": """
import re
def answer(pieces, count):
    '''Tokens as characters, a piece as a string: replacing is str.replace.'''
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
""",
}

# Wrong in other ways than the mistakes that the check knows.
WRONG = """
return merges => return pieces
    a dict
"""

EQUIVALENT = {"here = ids[:2] == pair": "ids are a tuple"}
