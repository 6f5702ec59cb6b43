SAYS = "is missing from the stream that goes on"


def answer(x, ln_1, attn, ln_2, mlp):
    h = x + attn(ln_1(x))
    return x + mlp(ln_2(h))
