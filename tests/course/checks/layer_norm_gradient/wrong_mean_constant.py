SAYS = "through the mean μ is missing"


def answer(x, dy, eps):
    s = (x.var(-1, unbiased=False, keepdim=True) + eps).sqrt()
    y = (x - x.mean(-1, keepdim=True)) / s
    return (dy - y * (dy * y).mean(-1, keepdim=True)) / s
