SAYS = "reverse order"


def answer(x, n_head):
    B, T, C = x.shape
    x = x.view(B, T, n_head, C // n_head)  # (B, T, H, d)
    return x.transpose(1, 2).flip(1)  # (B, H, T, d)
