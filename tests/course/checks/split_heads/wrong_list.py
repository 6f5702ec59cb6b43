SAYS = "a list with one tensor a head"


def answer(x, n_head):
    return x.chunk(n_head, dim=-1)
