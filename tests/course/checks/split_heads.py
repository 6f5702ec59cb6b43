"""Answers to split_heads, right and wrong."""

RIGHT = {
    "pieces": """
def answer(x, H):
    return torch.stack(x.chunk(H, dim=-1), dim=1)
""",
    "unflatten": """
def answer(x, n_head):
    return x.unflatten(-1, (n_head, -1)).permute(0, 2, 1, 3).contiguous()
""",
}

# Wrong in other ways than the mistakes that the check knows.
WRONG = """
C // n_head => C / n_head
    Your code stopped with TypeError
transpose(1, 2) => transpose(1, 2).flip(1)
    in reverse order along axis 1
+ return x.split(n_head, dim=-1)
    gives back a list
"""

EQUIVALENT = {"transpose(2, 1)": "the same two axes"}
