"""Answers to lora_linear, right and wrong."""

RIGHT = {
    "linear": """
def answer(x, W, A, B, alpha):
    r = len(A)
    return F.linear(x, W) + F.linear(F.linear(x, A), B) * (alpha / r)
""",
    "merged": """
def answer(x, W, A, B, alpha):
    merged = W + alpha / len(A) * B @ A
    return x @ merged.T
""",
    "W frozen": """
def answer(x, W, A, B, alpha):
    with torch.no_grad():
        before = x @ W.T
    return before + torch.einsum("...c,rc,dr->...d", x, A, B) * alpha / A.shape[0]
""",
}

# Wrong in other ways than the mistakes that the check knows.
WRONG = """
+ W += alpha / len(A) * B @ A
+ return x @ W.T
    is changed in place
return => y =
    is a `return` missing
change = (x @ A.T) @ B.T => change = (x @ A.data.T) @ B.data.T
    the gradient of `A` is lost
"""
