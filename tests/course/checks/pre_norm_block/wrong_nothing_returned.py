SAYS = "gives back nothing"


def answer(x, ln_1, attn, ln_2, mlp):
    x = x + attn(ln_1(x))
    x = x + mlp(ln_2(x))
