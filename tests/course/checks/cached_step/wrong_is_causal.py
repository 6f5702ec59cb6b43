from torch.nn import functional as F

SAYS = "aligned to the upper left"


def answer(q, k, v, keys, values, n):
    T = q.size(1)
    keys[:, n : n + T], values[:, n : n + T] = k, v
    K, V = keys[:, : n + T], values[:, : n + T]
    return F.scaled_dot_product_attention(q, K, V, is_causal=True)
