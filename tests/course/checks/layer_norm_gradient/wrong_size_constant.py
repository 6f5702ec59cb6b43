SAYS = "through the deviation s is missing"


def answer(x, dy, eps):
    s = (x.var(-1, unbiased=False, keepdim=True) + eps).sqrt()
    return (dy - dy.mean(-1, keepdim=True)) / s
