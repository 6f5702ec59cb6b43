SAYS = "eps is added to the root"


def answer(x, eps):
    return x / (x.square().mean(dim=-1, keepdim=True).sqrt() + eps)
