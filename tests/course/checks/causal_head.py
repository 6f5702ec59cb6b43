"""Answers to causal_head, right and wrong."""

RIGHT = {
    "fused": """
from torch.nn.functional import scaled_dot_product_attention
def answer(batch, ask, show, tell):
    q, k, v = ask(batch), show(batch), tell(batch)
    return scaled_dot_product_attention(q, k, v, is_causal=True)
""",
    "loop module": """
class ByHand(nn.Module):
    '''Place by place, in double precision, as a module.'''

    def forward(self, x, query, key, value):
        q, k, v = (part(x).double() for part in (query, key, value))
        rows = []
        for t in range(x.shape[1]):
            scores = torch.einsum("bd,bsd->bs", q[:, t], k[:, : t + 1])
            w = (scores / q.shape[-1] ** 0.5).exp()
            w = w / w.sum(dim=1, keepdim=True)
            rows.append(torch.einsum("bs,bsd->bd", w, v[:, : t + 1]))
        return torch.stack(rows, dim=1)


answer = ByHand()
""",
    "triu": """
def answer(x, query, key, value):
    q = query(x) * query(x).size(-1) ** -0.5
    scores = q @ key(x).mT
    future = torch.full(scores.shape[-2:], -torch.inf).triu(1)
    return torch.softmax(scores + future, -1) @ value(x)
""",
}

# Wrong in other ways than the mistakes that the check knows.
WRONG = """
transpose(1, 2) => T
    The shape is (2, 2, 2)
x, query, key, value => q, k, v
    Your code stopped with TypeError
masked_fill(~past, -math.inf => tril(
    0 instead of -inf
"""

EQUIVALENT = {"transpose(2, 1)": "the same two axes"}
