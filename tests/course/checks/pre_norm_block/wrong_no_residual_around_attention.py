SAYS = "around attn is missing"


def answer(x, ln_1, attn, ln_2, mlp):
    h = attn(ln_1(x))
    return h + mlp(ln_2(h))
