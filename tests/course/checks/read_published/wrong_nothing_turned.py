SAYS = "No matrix is turned"


NAMES = {"h": "blocks", "c_attn": "qkv", "c_proj": "proj", "c_fc": "fc"}


def answer(published):
    ours = {}
    for name, tensor in published.items():
        if name.endswith((".attn.bias", ".attn.masked_bias")):
            continue
        ours[".".join(NAMES.get(part, part) for part in name.split("."))] = tensor
    return ours
