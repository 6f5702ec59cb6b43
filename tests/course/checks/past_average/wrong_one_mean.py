SAYS = "one mean for the whole text"


def answer(x):
    return x.mean(dim=1)
