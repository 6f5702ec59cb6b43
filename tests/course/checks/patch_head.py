"""Answers to patch_head, right and wrong."""

RIGHT = {
    "lambda": """
def answer(model, clean, corrupted, layer, head):
    with hooked(model) as before:
        model(clean)
    mask = torch.arange(before["heads", layer].size(1)).view(-1, 1, 1) == head
    point = ("heads", layer)
    kept = before[point]
    with hooked(model, {point: lambda x: torch.where(mask, kept, x)}):
        logits, _ = model(corrupted)
    return logits
""",
    "nothing tracked": """
def answer(model, clean, corrupted, layer, head):
    with torch.no_grad():
        with hooked(model) as seen:
            model(clean)
        kept = dict(seen)["heads", layer]
        def put(x):
            x[:, head] = kept[:, head]
            return x
        with hooked(model, {("heads", layer): put}):
            return model(corrupted)[0]
""",
}

WRONG = """
return model(corrupted)[0] => return model(corrupted)
    It gives back a list
"""

EQUIVALENT = {"heads = heads.clone()  ->": "the tensor belongs to this run alone"}
