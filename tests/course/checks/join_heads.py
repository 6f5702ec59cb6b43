"""Answers to join_heads, right and wrong."""

RIGHT = {
    "filled": """
def answer(x, parts, mix):
    B, T, _ = x.shape
    y = torch.empty(B, T, 0)
    for part in parts:
        y = torch.cat((y, part(x)), 2)
    return mix(y)
""",
    "stacked and flattened": """
def answer(x, heads, proj):
    y = torch.stack([head(x) for head in heads], dim=2)  # (B, T, H, d)
    return proj(y.flatten(2)).double()
""",
}

# Wrong in other ways than the mistakes that the check knows.
WRONG = """
head(x) => head
    Your code stopped with TypeError
torch.cat(outputs, dim=-1) => proj(torch.cat(outputs, dim=-1))
    numbers differ
"""
