SAYS = "Only dy / s is there"


def answer(x, dy, eps):
    return dy / (x.var(-1, unbiased=False, keepdim=True) + eps).sqrt()
