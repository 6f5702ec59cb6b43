from torch import nn

SAYS = "Your code stopped with TypeError"


def answer(x, ln_1, attn, ln_2, mlp):
    x = x + attn(nn.LayerNorm(x))
    return x + mlp(nn.LayerNorm(x))
