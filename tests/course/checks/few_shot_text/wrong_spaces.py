SAYS = "spaces round the mark"


def answer(description, examples, query):
    lines = "".join(f"{a} > {b}\n" for a, b in examples)
    return f"{description}\n{lines}{query}>"
