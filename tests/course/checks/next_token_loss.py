"""Answers to next_token_loss, right and wrong."""

RIGHT = {
    "cross entropy": """
def answer(z, y):
    return F.cross_entropy(z.flatten(0, 1), y.flatten())
""",
    "loop and exponentials": """
def answer(logits, targets):
    total, n = 0.0, 0
    for row, wanted in zip(logits.double(), targets, strict=True):
        for z, y in zip(row, wanted, strict=True):
            total = total - z[y] + z.exp().sum().log()
            n += 1
    return total / n
""",
    "one hot": """
def answer(logits, targets):
    p = F.log_softmax(logits, dim=-1)
    return -(p * F.one_hot(targets, logits.size(-1))).sum(-1).mean()
""",
    "transposed": """
from torch.nn.functional import cross_entropy
def answer(logits, targets):
    return cross_entropy(logits.transpose(1, 2), targets)
""",
}

# Wrong in other ways than the mistakes that the check knows.
WRONG = """
()  # => ().item()  #
    no gradient flows back
targets[ => target[
    Your code stopped with NameError
return => loss =
    is a `return` missing?
"""
