SAYS = "outside the root"


def answer(x, gain, bias, eps):
    mean = x.mean(-1, keepdim=True)
    std = x.std(-1, unbiased=False, keepdim=True)
    return gain * (x - mean) / (std + eps) + bias
