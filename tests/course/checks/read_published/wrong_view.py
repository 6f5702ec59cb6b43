SAYS = "the numbers are in other places"


NAMES = {"h": "blocks", "c_attn": "qkv", "c_proj": "proj", "c_fc": "fc"}


def answer(published):
    ours = {}
    for name, tensor in published.items():
        if name.endswith((".attn.bias", ".attn.masked_bias")):
            continue
        if ".c_" in name and name.endswith(".weight"):
            tensor = tensor.view(tensor.size(1), tensor.size(0))
        ours[".".join(NAMES.get(part, part) for part in name.split("."))] = tensor
    return ours
