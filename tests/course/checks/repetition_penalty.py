"""Answers to repetition_penalty, right and wrong."""

RIGHT = {
    "loop": """
def answer(logits, seen, penalty):
    out = logits.clone()
    for i in set(seen.tolist()):
        out[i] = out[i] / penalty if out[i] > 0 else out[i] * penalty
    return out
""",
    "by index": """
def answer(logits, seen, penalty):
    z = logits[seen]
    return logits.index_put((seen,), torch.maximum(z, z * 0) / penalty
                            + torch.minimum(z, z * 0) * penalty)
""",
}

# Wrong in other ways than the mistakes that the check knows.
WRONG = """
torch.where(was_seen, penalised, logits) => torch.where(was_seen, -torch.inf, logits)
    not yet
"""

EQUIVALENT = {"logits >= 0": "0 divided or multiplied is 0"}
