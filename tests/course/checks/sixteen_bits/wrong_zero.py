SAYS = "Zero becomes NaN"


def answer(x):
    step = 2 ** (x.abs().log2().floor() - 7)
    return (x / step).round() * step
