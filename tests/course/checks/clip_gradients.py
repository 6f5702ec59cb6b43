"""Answers to clip_gradients, right and wrong."""

RIGHT = {
    "norm of norms": """
def answer(grads, max_norm):
    norm = torch.stack([torch.linalg.vector_norm(g) for g in grads]).norm()
    factor = (max_norm / (norm + 1e-6)).clamp(max=1.0)
    return [g * factor for g in grads]
""",
    "torchs": """
def answer(grads, max_norm):
    holders = [torch.zeros_like(g, requires_grad=True) for g in grads]
    for holder, g in zip(holders, grads, strict=True):
        holder.grad = g.clone()
    torch.nn.utils.clip_grad_norm_(holders, max_norm)
    return tuple(holder.grad for holder in holders)
""",
}

# Wrong in other ways than the mistakes that the check knows.
WRONG = """
+ clipped = right(grads, max_norm)
+ for g, c in zip(grads, clipped):
+     g.copy_(c)
+ return grads
    changed in place
"""

EQUIVALENT = {"norm < max_norm": "at the limit the factor is 1"}
