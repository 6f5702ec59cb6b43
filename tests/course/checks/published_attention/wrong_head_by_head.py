import torch

SAYS = "cut into heads first"


def answer(x, w, name, n_head):
    B, T, C = x.shape
    d = C // n_head
    qkv = x @ w[f"{name}.c_attn.weight"] + w[f"{name}.c_attn.bias"]
    qkv = qkv.view(B, T, n_head, 3 * d).transpose(1, 2)
    q, k, v = qkv.split(d, dim=-1)
    scores = q @ k.transpose(2, 3) / d**0.5
    future = torch.ones(T, T, dtype=torch.bool).triu(1)
    scores = scores.masked_fill(future, -torch.inf)
    mixed = scores.softmax(dim=-1) @ v
    out = mixed.transpose(1, 2).reshape(B, T, C)
    return out @ w[f"{name}.c_proj.weight"] + w[f"{name}.c_proj.bias"]
