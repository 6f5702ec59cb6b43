SAYS = "over the places"


def answer(x, eps):
    return x / (x.square().mean(dim=-2, keepdim=True) + eps).sqrt()
