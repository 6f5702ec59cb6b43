SAYS = "put ln_1 before it"


def answer(x, ln_1, attn, ln_2, mlp):
    x = x + attn(x)
    return x + mlp(ln_2(x))
