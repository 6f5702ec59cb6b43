SAYS = "the same step, 1/128"


def answer(x):
    return (x * 2**7).round() / 2**7
