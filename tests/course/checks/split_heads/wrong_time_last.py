SAYS = "last two axes are swapped"


def answer(x, n_head):
    B, T, C = x.shape
    x = x.view(B, T, n_head, C // n_head)  # (B, T, H, d)
    return x.permute(0, 2, 3, 1)  # (B, H, T, d)
