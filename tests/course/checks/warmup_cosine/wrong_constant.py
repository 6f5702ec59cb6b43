SAYS = "the cosine is missing"


def answer(step, steps, lr, rise):
    return lr * step / rise if step <= rise else lr
