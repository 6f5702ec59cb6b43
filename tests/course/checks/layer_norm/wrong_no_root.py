SAYS = "The root is missing"


def answer(x, gain, bias, eps):
    mean = x.mean(-1, keepdim=True)
    var = x.var(-1, unbiased=False, keepdim=True)
    return gain * (x - mean) / (var + eps) + bias
