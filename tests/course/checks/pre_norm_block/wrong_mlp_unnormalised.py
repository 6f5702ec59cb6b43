SAYS = "put ln_2 before it"


def answer(x, ln_1, attn, ln_2, mlp):
    x = x + attn(ln_1(x))
    return x + mlp(x)
