SAYS = "empty lines between"


def answer(description, examples, query):
    lines = [description] + [f"{a}>{b}" for a, b in examples] + [query + ">"]
    return "\n\n".join(lines)
