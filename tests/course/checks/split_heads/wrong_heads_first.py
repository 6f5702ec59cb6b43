SAYS = "come before the texts"


def answer(x, n_head):
    B, T, C = x.shape
    x = x.view(B, T, n_head, C // n_head)  # (B, T, H, d)
    return x.permute(2, 0, 1, 3)  # (B, H, T, d)
