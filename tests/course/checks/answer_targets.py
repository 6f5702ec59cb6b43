"""Answers to answer_targets, right and wrong."""

RIGHT = {
    "clone": """
def answer(ids, is_answer):
    idx, targets = ids[:, :-1], ids[:, 1:].clone()
    targets[is_answer[:, 1:] == 0] = -100
    return idx, targets
""",
    "where": """
def answer(ids, is_answer):
    targets = torch.where(is_answer, ids, -100)
    return [ids[:, :-1], targets[:, 1:]]
""",
    "loop": """
def answer(ids, is_answer):
    rows = [
        [i if a else -100 for i, a in zip(row[1:], marks[1:], strict=True)]
        for row, marks in zip(ids.tolist(), is_answer.tolist(), strict=True)
    ]
    return ids[:, :-1], torch.tensor(rows)
""",
}

WRONG = """
- targets = ids.masked_fill(~is_answer, -100)
+ targets = ids.masked_fill_(~is_answer, -100)
    -100 stands in the inputs, too
"""
