def answer(x, n_head):
    return x.unflatten(-1, (n_head, -1)).permute(0, 2, 1, 3).contiguous()
