SAYS = "attn.c_proj is not turned: it is square"


NAMES = {"h": "blocks", "c_attn": "qkv", "c_proj": "proj", "c_fc": "fc"}


def answer(published):
    ours = {}
    for name, tensor in published.items():
        if name.endswith((".attn.bias", ".attn.masked_bias")):
            continue
        if (
            "wte" not in name
            and "wpe" not in name
            and tensor.ndim == 2
            and tensor.size(0) != tensor.size(1)
        ):
            tensor = tensor.T
        ours[".".join(NAMES.get(part, part) for part in name.split("."))] = tensor
    return ours
