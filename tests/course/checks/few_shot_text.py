"""Answers to few_shot_text, right and wrong."""

RIGHT = {
    "join": r"""
def answer(description, examples, query):
    pairs = [*examples, (query, "")]
    return "\n".join([description, *(">".join(pair) for pair in pairs)])
""",
    "loop": r"""
def answer(description, examples, query):
    text = description + "\n"
    for word, result in examples:
        text += word + ">" + result + "\n"
    return text + query + ">"
""",
}
