SAYS = "There is no LayerNorm"


def answer(x, ln_1, attn, ln_2, mlp):
    x = x + attn(x)
    return x + mlp(x)
