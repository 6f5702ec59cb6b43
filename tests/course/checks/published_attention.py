"""Answers to published_attention, right and wrong."""

RIGHT = {
    "fused": """
def answer(x, w, name, n_head):
    '''PyTorch's fused attention; einsum for the matrices.'''
    part = {key.removeprefix(name + "."): value for key, value in w.items()}
    qkv = torch.einsum("btc,cd->btd", x, part["c_attn.weight"]) + part["c_attn.bias"]
    B, T, C = x.shape
    q, k, v = qkv.view(B, T, 3, n_head, C // n_head).permute(2, 0, 3, 1, 4)
    mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True)
    mixed = mixed.transpose(1, 2).flatten(2)
    return F.linear(mixed, part["c_proj.weight"].T, part["c_proj.bias"])
""",
    "minus a billion": """
def answer(x, w, name, n_head):
    def linear(x, part):
        return x @ w[f"{name}.{part}.weight"] + w[f"{name}.{part}.bias"]

    T, d = x.size(1), x.size(2) // n_head
    qkv = linear(x.double().float(), "c_attn")
    future = torch.triu(torch.full((T, T), -1e9), diagonal=1)
    heads = []
    for q, k, v in zip(*(t.split(d, -1) for t in qkv.chunk(3, -1)), strict=True):
        weights = torch.softmax(q @ k.mT / math.sqrt(d) + future, dim=-1)
        heads.append(weights @ v)
    return linear(torch.cat(heads, dim=-1), "c_proj")
""",
}

WRONG = """
- x @ w[f"{name}.c_attn.weight"] + w[f"{name}.c_attn.bias"]
+ F.linear(x, w[f"{name}.c_attn.weight"], w[f"{name}.c_attn.bias"])
    c_attn's matrix is transposed
c_attn.weight"] => c_attn.weight"].T.reshape(C, 3 * C)
    numbers differ
"""

EQUIVALENT = {
    "transpose(2, 1)": "the same two axes",
    "transpose(3, 2)": "the same two axes",
    "(C / n_head)": "n_head divides C",
}
