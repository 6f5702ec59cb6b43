"""Answers to bits_per_char, right and wrong."""

RIGHT = {
    "product of probabilities": """
def answer(losses, ids, decode):
    p = math.prod((-losses).exp().tolist())
    return -math.log2(p) / len(decode(ids[1:]))
""",
    "one subtracted": """
def answer(losses, ids, decode):
    characters = len(decode(ids)) - len(decode(ids[:1]))
    return sum(losses.tolist()) / (characters * math.log(2))
""",
}
