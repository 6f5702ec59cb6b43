"""Answers to softmax_tile, right and wrong."""

RIGHT = {
    "logsumexp": """
def answer(m, s, y, scores, V):
    both = torch.cat([m, scores], dim=1)
    new = both.max(dim=1, keepdim=True).values
    factors = torch.exp(both - new)
    old, e = factors[:, :1], factors[:, 1:]
    return [new, old * s + e.sum(1, keepdim=True), old * y + torch.mm(e, V)]
""",
    "loop": """
def answer(m, s, y, scores, V):
    '''One score at a time: tiles of one.'''
    m, s, y = m.clone(), s.clone(), y.clone()
    for t in range(len(scores)):
        for score, value in zip(scores[t], V, strict=True):
            if score > m[t]:
                shrink = torch.exp(m[t] - score)
                m[t], s[t], y[t] = score, s[t] * shrink, y[t] * shrink
            weight = torch.exp(score - m[t])
            s[t] += weight
            y[t] += weight * value
    return m, s, y
""",
}

# Wrong in other ways than the mistakes that the check knows.
WRONG = """
s * shrink + e.sum(dim=1, keepdim=True) => (s * shrink)[:, 0] + e.sum(dim=1)
    An axis of size 1 is missing
"""

EQUIVALENT = {"torch.maximum(scores": "the larger of two numbers, in any order"}
