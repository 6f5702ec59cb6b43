SAYS = "divided by C - 1"


def answer(x, gain, bias, eps):
    mean = x.mean(-1, keepdim=True)
    var = x.var(-1, keepdim=True)
    return gain * (x - mean) / (var + eps).sqrt() + bias
