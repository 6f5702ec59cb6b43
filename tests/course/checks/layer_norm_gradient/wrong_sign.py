SAYS = "The sign of the last term"


def answer(x, dy, eps):
    s = (x.var(-1, unbiased=False, keepdim=True) + eps).sqrt()
    y = (x - x.mean(-1, keepdim=True)) / s
    along = (dy * y).mean(-1, keepdim=True)
    return (dy - dy.mean(-1, keepdim=True) + y * along) / s
