"""Answers to cached_step, right and wrong."""

RIGHT = {
    "fused": """
def answer(q, k, v, keys, values, n):
    end = n + k.shape[1]
    keys[:, n:end] = k
    values[:, n:end] = v
    may = torch.arange(end) <= torch.arange(n, end)[:, None]
    return F.scaled_dot_product_attention(q, keys[:, :end], values[:, :end], may)
""",
    "one by one": """
def answer(q, k, v, keys, values, n):
    out = []
    for t in range(q.size(1)):
        keys[:, n + t] = k[:, t]
        values[:, n + t] = v[:, t]
        w = torch.einsum("hd,hsd->hs", q[:, t], keys[:, : n + t + 1])
        w = torch.softmax(w / math.sqrt(q.size(-1)), dim=-1)
        out.append(torch.einsum("hs,hsd->hd", w, values[:, : n + t + 1]))
    return torch.stack(out, dim=1)
""",
}

# Wrong in other ways than the mistakes that the check knows.
WRONG = """
- keys[:, n : n + T], values[:, n : n + T] = k, v
-     K, V = keys[:, : n + T], values[:, : n + T]
+ K, V = torch.cat([keys[:, :n], k], dim=1), torch.cat([values[:, :n], v], dim=1)
    memory is as it was
- scores.masked_fill(~may, -torch.inf), dim=-1) @ V
+ scores.masked_fill(~may.logical_not().triu(1), -torch.inf), dim=-1) @ V
    not yet
"""

EQUIVALENT = {
    "T = k.size(1)": "q, k and v have one shape",
    "T = v.size(1)": "q, k and v have one shape",
    "/ k.size(2)": "all have the same head size",
    "/ v.size(2)": "all have the same head size",
    "/ keys.size(2)": "all have the same head size",
    "/ values.size(2)": "all have the same head size",
    "transpose(2, 1)": "the same two axes",
}
