SAYS = "divided by C - 1"


def answer(x, dy, eps):
    s = (x.var(-1, keepdim=True) + eps).sqrt()
    y = (x - x.mean(-1, keepdim=True)) / s
    return (dy - dy.mean(-1, keepdim=True) - y * (dy * y).mean(-1, keepdim=True)) / s
