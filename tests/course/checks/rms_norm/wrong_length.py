SAYS = "the root of the *sum* of squares"


def answer(x, eps):
    return x / (x.square().sum(dim=-1, keepdim=True) + eps).sqrt()
