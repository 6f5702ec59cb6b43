SAYS = "for the whole tensor"


def answer(x, gain, bias, eps):
    return gain * (x - x.mean()) / (x.var(unbiased=False) + eps).sqrt() + bias
