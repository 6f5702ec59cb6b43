import torch
from torch.nn import functional as F

SAYS = "the memory is as it was"


def answer(q, k, v, keys, values, n):
    T = q.size(1)
    K = torch.cat([keys[:, :n], k], dim=1)
    V = torch.cat([values[:, :n], v], dim=1)
    may = torch.ones(T, n + T, dtype=torch.bool).tril(n)
    return F.scaled_dot_product_attention(q, K, V, may)
