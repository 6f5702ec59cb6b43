SAYS = "are taken as independent"


def answer(a, b):
    d = a - b
    error = d.std() / d.numel() ** 0.5
    return d.mean(), error, error
