"""Answers to table_gradient, right and wrong."""

RIGHT = {
    "automatic": """
def answer(table, idx, targets):
    table = table.clone().requires_grad_()
    loss = F.cross_entropy(table[idx].flatten(0, 1), targets.flatten())
    return torch.autograd.grad(loss, table)[0]
""",
    "counts": """
def answer(table, idx, targets):
    V = len(table)
    pairs = (idx * V + targets).flatten()
    counts = torch.bincount(pairs, minlength=V * V).view(V, V)
    n = counts.sum(1, keepdim=True)  # the errors of a row: n p - counts
    return (n * table.softmax(1) - counts) / idx.numel()
""",
    "loop double": """
def answer(table, idx, targets):
    found = torch.zeros(table.shape, dtype=torch.double)
    for x, y in zip(idx.flatten().tolist(), targets.flatten().tolist()):
        found[x] += table[x].double().softmax(0)
        found[x, y] -= 1
    return found / idx.numel()
""",
}

EQUIVALENT = {
    "table.size(0)": "a table (V, V)",
    "targets.numel()": "as many as inputs",
}
