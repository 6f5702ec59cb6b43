SAYS = "This is the classic mistake"


def answer(x, n_head):
    B, T, C = x.shape
    x = x.view(B, n_head, T, C // n_head)  # (B, T, H, d)
    return x  # (B, H, T, d)
