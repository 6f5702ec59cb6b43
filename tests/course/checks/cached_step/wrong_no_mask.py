from torch.nn import functional as F

SAYS = "each other's future"


def answer(q, k, v, keys, values, n):
    T = q.size(1)
    keys[:, n : n + T], values[:, n : n + T] = k, v
    return F.scaled_dot_product_attention(q, keys[:, : n + T], values[:, : n + T])
