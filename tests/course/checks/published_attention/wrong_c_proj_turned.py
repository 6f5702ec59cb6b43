import torch
from torch.nn import functional as F

SAYS = "c_proj's matrix is turned"


def answer(x, w, name, n_head):
    B, T, C = x.shape
    d = C // n_head
    qkv = x @ w[f"{name}.c_attn.weight"] + w[f"{name}.c_attn.bias"]
    q, k, v = qkv.split(C, dim=-1)
    q, k, v = (t.view(B, T, n_head, d).transpose(1, 2) for t in (q, k, v))
    scores = q @ k.transpose(2, 3) / d**0.5
    future = torch.ones(T, T, dtype=torch.bool).triu(1)
    scores = scores.masked_fill(future, -torch.inf)
    mixed = scores.softmax(dim=-1) @ v
    out = mixed.transpose(1, 2).reshape(B, T, C)
    return F.linear(out, w[f"{name}.c_proj.weight"], w[f"{name}.c_proj.bias"])
