SAYS = "All rows are divided by one number"


def answer(x, eps):
    return x / (x.square().mean() + eps).sqrt()
