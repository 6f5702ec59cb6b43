SAYS = "Both layers read the stream that came in"


def answer(x, ln_1, attn, ln_2, mlp):
    gathered, thought = attn(ln_1(x)), mlp(ln_2(x))
    return x + gathered + thought
