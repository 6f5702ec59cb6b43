"""Answers to sees_future, right and wrong."""

RIGHT = {
    "all after": """
def answer(layer, x):
    T = x.shape[1]
    moved = []
    for t in range(T):
        after = (torch.arange(T) > t)[:, None]
        other = torch.where(after, torch.randn_like(x), x)
        moved.append((layer(other)[:, t] - layer(x)[:, t]).abs().max() > 1e-5)
    return any(moved)
""",
    "gradients": """
def answer(layer, x):
    x = x.clone().requires_grad_()
    y = layer(x)
    leaked = torch.tensor(False)
    for t in range(x.size(1)):
        one = (y[:, t] * torch.randn_like(y[:, t])).sum()
        (slope,) = torch.autograd.grad(one, x, retain_graph=True)
        leaked = leaked | (slope[:, t + 1 :] != 0).any()
    return leaked
""",
    "prefixes": """
def answer(layer, x):
    whole = layer(x)
    for t in range(1, x.size(1) + 1):
        if not torch.allclose(layer(x[:, :t]), whole[:, :t], atol=1e-6):
            return True
    return False
""",
}

# Wrong in other ways than the mistakes that the check knows.
WRONG = """
-             return True
-     return False
+             return f"place {s}"
+     return "nowhere"
    expected False (bool)
"""

EQUIVALENT = {
    "-= torch": "other random numbers are as good",
    "`x` seems to enter with the wrong sign.": "any other numbers will do",
    "range(0, x.size(1))": "no output comes before position 0",
}
