SAYS = "decides for a whole vector"


def answer(x, p, u, training):
    if not training:
        return x
    return x * (u[..., :1] >= p) / (1 - p)
