SAYS = "has lost its dimension"


def answer(x, eps):
    return x / (x.square().mean(dim=-1) + eps).sqrt()
