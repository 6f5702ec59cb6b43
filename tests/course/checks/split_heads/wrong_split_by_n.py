SAYS = "expected one tensor (B, H, T, d)"


def answer(x, n_head):
    return x.split(n_head, dim=-1)
