SAYS = "Nothing is turned: a and b"


def answer(x, places):
    return x.clone()
