SAYS = "The mean is of sizes |x|"


def answer(x, eps):
    return x / (x.abs().mean(dim=-1, keepdim=True) + eps)
