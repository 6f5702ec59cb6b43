"""Answers to sampling_probabilities, right and wrong."""

RIGHT = {
    "loop": """
def answer(logits, temperature, top_k, top_p):
    rows = []
    for z in (logits.double() / temperature).tolist():
        weights = [math.exp(x - max(z)) for x in z]
        total, reached, kept = sum(weights), 0.0, [0.0] * len(z)
        ids = sorted(range(len(z)), key=lambda i: -weights[i])
        for i in ids[:top_k]:
            if top_p is not None and reached >= top_p:
                break
            kept[i] = weights[i] / total
            reached += kept[i]
        rows.append([x / sum(kept) for x in kept])
    return torch.tensor(rows)
""",
    "masked logits": """
def answer(logits, temperature=1.0, top_k=None, top_p=None):
    z = logits / temperature
    order = z.argsort(dim=-1, descending=True, stable=True)
    place = order.argsort(dim=-1)
    cut = torch.zeros_like(z, dtype=torch.bool)
    if top_k:
        cut |= place >= top_k
    if top_p:
        p = z.softmax(-1).gather(-1, order)
        reached = torch.cat([torch.zeros(len(z), 1), p.cumsum(-1)[:, :-1]], dim=-1)
        cut |= (reached >= top_p).gather(-1, place)
    return z.masked_fill(cut, -torch.inf).softmax(-1)
""",
}

# Wrong in other ways than the mistakes that the check knows.
WRONG = """
- p = F.softmax(logits / temperature, dim=-1)
+ p = F.softmax(logits / temperature, dim=-1)
+     if top_k is None and top_p is None:
+         return p
kept / kept.sum(dim=-1, keepdim=True) => kept / kept.sum(dim=-2, keepdim=True)
    numbers are NaN
before < top_p => ordered >= top_p * ordered[:, :1]
    not yet
"""

EQUIVALENT = {
    "F.softmax(logits / temperature)": "without dim, torch takes the last of two axes",
    "dim=1": "the last of two axes",
    "scatter(1,": "the last of two axes",
    "p.sort(descending": "sort is over the last axis",
    "->  ordered, order = p.sort(dim=-1, descending=True)": "short rows stay stable",
    "stable=False": "torch sorts short rows stably",
}
