SAYS = "run over dimension 0"


def answer(x, gain, bias, eps):
    mean = x.mean(0, keepdim=True)
    var = x.var(0, keepdim=True, unbiased=False)
    return gain * (x - mean) / (var + eps).sqrt() + bias
