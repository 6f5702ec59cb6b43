SAYS = "The embeddings are turned, too"


NAMES = {"h": "blocks", "c_attn": "qkv", "c_proj": "proj", "c_fc": "fc"}


def answer(published):
    ours = {}
    for name, tensor in published.items():
        if name.endswith((".attn.bias", ".attn.masked_bias")):
            continue
        if tensor.ndim == 2:
            tensor = tensor.T
        ours[".".join(NAMES.get(part, part) for part in name.split("."))] = tensor
    return ours
