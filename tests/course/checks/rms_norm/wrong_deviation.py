SAYS = "divided by the deviation"


def answer(x, eps):
    variance = x.var(dim=-1, keepdim=True, unbiased=False)
    return x / (variance + eps).sqrt()
