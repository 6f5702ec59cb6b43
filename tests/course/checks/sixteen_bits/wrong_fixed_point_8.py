SAYS = "the same step, 1/256"


def answer(x):
    return (x * 256).round() / 256
