import torch
from torch.nn import functional as F

SAYS = "the memory is as it was"


def answer(q, k, v, keys, values, n):
    T = q.size(1)
    keys = torch.cat([keys[:, :n], k], dim=1)
    values = torch.cat([values[:, :n], v], dim=1)
    may = torch.ones(T, n + T, dtype=torch.bool).tril(n)
    return F.scaled_dot_product_attention(q, keys, values, attn_mask=may)
