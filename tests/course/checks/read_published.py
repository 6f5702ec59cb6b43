"""Answers to read_published, right and wrong."""

RIGHT = {
    "from ours": """
def answer(published):
    '''From our names to the file's, block by block.'''
    blocks = sum(name.endswith("ln_1.bias") for name in published)
    outer = ["wte.weight", "wpe.weight", "ln_f.weight", "ln_f.bias"]
    ours = {name: published[name].clone() for name in outer}
    layers = {"attn.qkv": "attn.c_attn", "attn.proj": "attn.c_proj"}
    layers |= {"mlp.fc": "mlp.c_fc", "mlp.proj": "mlp.c_proj"}
    for i in range(blocks):
        for norm in ("ln_1", "ln_2"):
            for part in ("weight", "bias"):
                ours[f"blocks.{i}.{norm}.{part}"] = published[f"h.{i}.{norm}.{part}"]
        for mine, theirs in layers.items():
            matrix, bias = (
                published[f"h.{i}.{theirs}.{p}"] for p in ("weight", "bias")
            )
            ours[f"blocks.{i}.{mine}.weight"] = matrix.transpose(0, 1).contiguous()
            ours[f"blocks.{i}.{mine}.bias"] = bias
    return ours
""",
    "replace": """
CONV = ("c_attn.weight", "c_proj.weight", "c_fc.weight")


def answer(published):
    '''With str.replace, and a swap of the two axes.'''
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
""",
}

WRONG = """
return ours => print(len(ours))
    is a `return` missing
"""

EQUIVALENT = {"and name:": "a bias, of one axis, is its own transpose"}
