SAYS = "The division by s is missing"


def answer(x, dy, eps):
    s = (x.var(-1, unbiased=False, keepdim=True) + eps).sqrt()
    y = (x - x.mean(-1, keepdim=True)) / s
    return dy - dy.mean(-1, keepdim=True) - y * (dy * y).mean(-1, keepdim=True)
