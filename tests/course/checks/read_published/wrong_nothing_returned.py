SAYS = "is a `return` missing"


NAMES = {"h": "blocks", "c_attn": "qkv", "c_proj": "proj", "c_fc": "fc"}


def answer(published):
    ours = {}
    for name, tensor in published.items():
        if name.endswith((".attn.bias", ".attn.masked_bias")):
            continue
        if ".c_" in name and name.endswith(".weight"):
            tensor = tensor.T
        ours[".".join(NAMES.get(part, part) for part in name.split("."))] = tensor
