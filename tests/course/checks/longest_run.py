"""Answers to longest_run, right and wrong."""

RIGHT = {
    "growing run": """
def answer(text, source):
    best = ""
    for char_at in range(len(text)):
        for end in range(char_at + len(best) + 1, len(text) + 1):
            if text[char_at:end] not in source:
                break
            best = text[char_at:end]
    return len(best)
""",
    "pieces": """
def pieces(text, n):
    return {text[i : i + n] for i in range(len(text) - n + 1)}


def answer(text, source):
    n = 0
    while pieces(text, n + 1) & pieces(source, n + 1):
        n += 1
    return n
""",
    "table": """
def answer(text, source):
    '''How long a run ends at each pair of places, row by row.'''
    longest, row = 0, [0] * (len(source) + 1)
    for char in text:
        above, row = row, [0]
        for j, other in enumerate(source):
            row.append(above[j] + 1 if char == other else 0)
        longest = max(longest, *row)
    return longest
""",
}

# Wrong in other ways than the mistakes that the check knows.
WRONG = """
- return n
+ return next(text[i : i + n] for i in range(9) if text[i : i + n] in source)
    'ab'
return n => return n + 1
    too large by one
"""

EQUIVALENT = {
    "`text` and `source` seem to be exchanged.": "the two are alike",
    "->  pass": "the docstring",
    "->  n = -1": "a run of length 0 is always shared",
}
