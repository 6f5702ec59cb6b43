SAYS = "in another order"


def answer(description, examples, query):
    lines = ""
    for word, result in examples:
        lines = f"{word}>{result}\n" + lines
    return f"{description}\n{lines}{query}>"
