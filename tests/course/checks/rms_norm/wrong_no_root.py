SAYS = "The root is missing"


def answer(x, eps):
    return x / (x.square().mean(dim=-1, keepdim=True) + eps)
