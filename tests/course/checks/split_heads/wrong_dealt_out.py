SAYS = "dealt out in turn"


def answer(x, n_head):
    B, T, C = x.shape
    x = x.view(B, T, C // n_head, n_head)  # (B, T, H, d)
    return x.permute(0, 3, 1, 2)  # (B, H, T, d)
