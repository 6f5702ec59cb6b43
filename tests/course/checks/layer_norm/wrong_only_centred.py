SAYS = "Nothing is divided"


def answer(x, gain, bias, eps):
    return gain * (x - x.mean(-1, keepdim=True)) + bias
