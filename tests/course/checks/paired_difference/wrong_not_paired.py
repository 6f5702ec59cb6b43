SAYS = "what a and b share cancels"


def stderr(values):
    return values.std() / len(values) ** 0.5


def answer(a, b):
    errors = []
    for dim in (0, 1):
        one, other = stderr(a.mean(dim=dim)), stderr(b.mean(dim=dim))
        errors.append((one**2 + other**2) ** 0.5)
    return a.mean() - b.mean(), *errors
