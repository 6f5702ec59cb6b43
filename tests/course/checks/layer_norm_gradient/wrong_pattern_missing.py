SAYS = "it must be multiplied by y"


def answer(x, dy, eps):
    s = (x.var(-1, unbiased=False, keepdim=True) + eps).sqrt()
    y = (x - x.mean(-1, keepdim=True)) / s
    return (dy - dy.mean(-1, keepdim=True) - (dy * y).mean(-1, keepdim=True)) / s
