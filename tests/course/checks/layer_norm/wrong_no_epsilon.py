SAYS = "ε is missing"


def answer(x, gain, bias, eps):
    mean = x.mean(-1, keepdim=True)
    return gain * (x - mean) / x.std(-1, unbiased=False, keepdim=True) + bias
