SAYS = "eps is not used"


def answer(x, eps):
    return x / x.square().mean(dim=-1, keepdim=True).sqrt()
