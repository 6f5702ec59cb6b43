SAYS = "All stands in one line"


def answer(description, examples, query):
    words = [description] + [f"{a}>{b}" for a, b in examples]
    return " ".join(words) + " " + query + ">"
