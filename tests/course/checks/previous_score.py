"""Answers to previous_score, right and wrong."""

RIGHT = {
    "slices": """
def answer(w):
    t = torch.arange(1, w.size(-1))
    return w[:, :, t, t - 1].mean(2).mean(0)
""",
    "shifted": """
def answer(w):
    return torch.diagonal(w[:, :, 1:, :-1], dim1=-2, dim2=-1).mean((0, -1))
""",
}

WRONG = """
dim=(0, 2)) => dim=(0, 1, 2))
    Only one number comes back
"""

EXCUSED = {"sizes": "rows and columns are both positions"}
