SAYS = "The spread is that of all single differences"


def answer(a, b):
    d = a - b
    return d.mean(), d.std() / d.size(1) ** 0.5, d.std() / d.size(0) ** 0.5
