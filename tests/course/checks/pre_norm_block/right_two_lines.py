def answer(x, ln_1, attn, ln_2, mlp):
    x = x + attn(ln_1(x))  # (B, T, C)
    return x + mlp(ln_2(x))  # (B, T, C)
