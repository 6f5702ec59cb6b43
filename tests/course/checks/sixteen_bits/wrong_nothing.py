SAYS = "This is x itself"


def answer(x):
    return x.float()
