SAYS = "changed places"


def answer(description, examples, query):
    lines = "".join(f"{b}>{a}\n" for a, b in examples)
    return f"{description}\n{lines}{query}>"
