SAYS = "Sums stand where means"


def answer(x, dy, eps):
    s = (x.var(-1, unbiased=False, keepdim=True) + eps).sqrt()
    y = (x - x.mean(-1, keepdim=True)) / s
    return (dy - dy.sum(-1, keepdim=True) - y * (dy * y).sum(-1, keepdim=True)) / s
