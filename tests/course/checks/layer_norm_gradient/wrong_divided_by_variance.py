SAYS = "divided by s²"


def answer(x, dy, eps):
    s2 = x.var(-1, unbiased=False, keepdim=True) + eps
    y = (x - x.mean(-1, keepdim=True)) / s2.sqrt()
    return (dy - dy.mean(-1, keepdim=True) - y * (dy * y).mean(-1, keepdim=True)) / s2
