SAYS = "behind the layers, on the corrections"


def answer(x, ln_1, attn, ln_2, mlp):
    x = x + ln_1(attn(x))
    return x + ln_2(mlp(x))
