SAYS = "uses x where the normalised"


def answer(x, dy, eps):
    s = (x.var(-1, unbiased=False, keepdim=True) + eps).sqrt()
    along = (dy * x).mean(-1, keepdim=True)
    return (dy - dy.mean(-1, keepdim=True) - x * along) / s
