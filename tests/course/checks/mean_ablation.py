"""Answers to mean_ablation, right and wrong."""

RIGHT = {
    "where": """
def answer(heads, head):
    chosen = torch.arange(heads.size(1)).view(1, -1, 1, 1) == head
    return torch.where(chosen, heads.mean(0, keepdim=True), heads)
""",
    "list": """
def answer(heads, head):
    parts = list(heads.unbind(1))
    parts[head] = parts[head].mean(0, keepdim=True).expand_as(parts[head])
    return torch.stack(parts, dim=1)
""",
}

WRONG = """
heads = heads.clone() => pass
    changed in place
+ return heads[:, head].mean(dim=0)
    shape
"""
