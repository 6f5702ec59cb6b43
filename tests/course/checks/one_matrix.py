"""Answers to one_matrix, right and wrong."""

RIGHT = {
    "function": """
def answer(heads):
    parts = [head.query for head in heads] + [head.key for head in heads]
    parts += [head.value for head in heads]
    W = torch.cat([part.weight.T for part in parts], dim=1)
    b = torch.cat([part.bias for part in parts])
    return lambda x: x @ W + b
""",
    "parameters": """
def answer(heads):
    rows, starts = [], []
    for kind in ["query", "key", "value"]:
        for head in heads:
            layer = getattr(head, kind)
            rows.extend(layer.weight.detach())
            starts.extend(layer.bias.detach())
    made = nn.Linear(len(rows[0]), len(rows))
    made.weight = nn.Parameter(torch.stack(rows))
    made.bias = nn.Parameter(torch.stack(starts))
    return made.double().float()
""",
    "from what it gives": """
class Answer(nn.Module):
    def __init__(self, heads):
        super().__init__()
        with torch.no_grad():
            zero, one = self.small(heads, 0), self.small(heads, 1)
        self.b, self.W = zero, one - zero

    def small(self, heads, by):
        C = heads[0].query.in_features
        x = by * torch.eye(C)
        ys = [[head.query, head.key, head.value] for head in heads]
        return torch.cat([layer(x) for kind in zip(*ys) for layer in kind], -1)

    def forward(self, x):
        return torch.einsum("btc,cd->btd", x, self.W) + self.b[0] if x.ndim > 2 else (
            x @ self.W + self.b[0]
        )


def answer(heads):
    return Answer(heads)
""",
}

# Wrong in other ways than the mistakes that the check knows.
WRONG = """
return qkv => return qkv.weight
    which does not fit here
-     with torch.no_grad():
-         qkv.weight.copy_(torch.cat([part.weight for part in parts]))
-         qkv.bias.copy_(torch.cat([part.bias for part in parts]))
+     qkv.weight.copy_(torch.cat([part.weight for part in parts]))
+     qkv.bias.copy_(torch.cat([part.bias for part in parts]))
    Your code stopped with RuntimeError
return qkv => return lambda x: torch.cat([part(x) for part in parts], -1)
    several matrix products
+ def layers(x):
+     kinds = ("query", "key", "value")
+     wb = [[getattr(h, kind) for h in heads] for kind in kinds]
+     W = [torch.cat([part.weight for part in parts]) for parts in wb]
+     b = [torch.cat([part.bias for part in parts]) for parts in wb]
+     return torch.cat([F.linear(x, *both) for both in zip(W, b)], -1)
+ return layers
    several matrix products
-         qkv.weight.copy_(torch.cat([part.weight for part in parts]))
-         qkv.bias.copy_(torch.cat([part.bias for part in parts]))
+         torch.cat([part.weight for part in parts])
    numbers of its own
-         qkv.bias.copy_(torch.cat([part.bias for part in parts]))
+
    Only the biases are wrong
nn.Linear(C, 3 * C) => nn.Linear(C, 3 * C, bias=False)
-         qkv.bias.copy_(torch.cat([part.bias for part in parts]))
+
    Only the biases are wrong
"query", "key", "value" => "value", "key", "query"
    [*kinds][::-1]
"""

EQUIVALENT = {
    "C = parts[1].in_features": "all are C wide",
    "C = parts[-1].in_features": "all are C wide",
}
