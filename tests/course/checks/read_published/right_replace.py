CONV = ("c_attn.weight", "c_proj.weight", "c_fc.weight")


def answer(published):
    """With str.replace, and a swap of the two axes."""
    ours = {}
    for name in published:
        if name.split(".")[-2:] in (["attn", "bias"], ["attn", "masked_bias"]):
            continue
        turn = name.endswith(CONV)
        tensor = published[name].swapaxes(0, 1) if turn else published[name]
        for old, new in (("h.", "blocks."), ("c_attn", "qkv"), ("c_", "")):
            name = name.replace(old, new)
        ours[name] = tensor
    return ours
