from torch.nn.functional import scaled_dot_product_attention


def answer(batch, ask, show, tell):
    q, k, v = ask(batch), show(batch), tell(batch)
    return scaled_dot_product_attention(q, k, v, is_causal=True)
