SAYS = "(B, T, H, d): one step"


def answer(x, n_head):
    B, T, C = x.shape
    x = x.view(B, T, n_head, C // n_head)  # (B, T, H, d)
    return x  # (B, H, T, d)
