from torch.nn.functional import scaled_dot_product_attention


def answer(x, qkv, proj, n_head):
    q, k, v = (
        part.unflatten(-1, (n_head, -1)).transpose(1, 2)
        for part in qkv(x).chunk(3, dim=-1)
    )
    y = scaled_dot_product_attention(q, k, v, is_causal=True)
    return proj(y.transpose(1, 2).flatten(2))
