"""Answers to many_heads, right and wrong."""

RIGHT = {
    "fused": """
from torch.nn.functional import scaled_dot_product_attention
def answer(x, qkv, proj, n_head):
    q, k, v = (
        part.unflatten(-1, (n_head, -1)).transpose(1, 2)
        for part in qkv(x).chunk(3, dim=-1)
    )
    y = scaled_dot_product_attention(q, k, v, is_causal=True)
    return proj(y.transpose(1, 2).flatten(2))
""",
    "head by head": """
def answer(x, layer, mix, H):
    C = x.shape[-1]
    d = C // H
    y, out = layer(x), []
    for h in range(H):
        q = y[..., h * d : (h + 1) * d]
        k = y[..., C + h * d : C + (h + 1) * d]
        v = y[..., 2 * C + h * d : 2 * C + (h + 1) * d]
        scores = torch.einsum("btd,bsd->bts", q, k) * d**-0.5
        future = torch.ones_like(scores).triu(1) > 0
        scores = torch.where(future, torch.tensor(-1e9), scores)
        out.append(scores.softmax(-1) @ v)
    return mix(torch.cat(out, -1))
""",
}

# Wrong in other ways than the mistakes that the check knows.
WRONG = """
reshape => view
    Your code stopped with RuntimeError
"""

EQUIVALENT = {
    "transpose(2, 1)": "the same two axes",
    "transpose(3, 2)": "the same two axes",
}
