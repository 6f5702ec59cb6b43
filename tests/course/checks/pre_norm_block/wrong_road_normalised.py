SAYS = "overwritten by its normalised form"


def answer(x, ln_1, attn, ln_2, mlp):
    x = ln_1(x)
    x = attn(x) + x
    x = ln_2(x)
    return mlp(x) + x
