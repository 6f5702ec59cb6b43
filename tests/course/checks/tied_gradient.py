"""Answers to tied_gradient, right and wrong."""

RIGHT = {
    "loop": """
def answer(idx, d_x, stream, d_logits):
    grad = torch.zeros(d_logits.size(2), d_x.size(2))
    for b in range(idx.size(0)):
        for t in range(idx.size(1)):
            grad[idx[b, t]] += d_x[b, t]
            grad += torch.outer(d_logits[b, t], stream[b, t])
    return grad
""",
    "one hot": """
from torch.nn.functional import one_hot
def answer(idx, d_x, stream, d_logits):
    chosen = one_hot(idx, d_logits.size(-1)).float()
    by_reading = torch.einsum("btv,btc->vc", chosen, d_x)
    return by_reading + torch.einsum("btv,btc->vc", d_logits, stream)
""",
}

# Wrong in other ways than the mistakes that the check knows.
WRONG = """
d_x.flatten(0, 1)) => d_x.flatten(0, 1)).T
    last two axes swapped
+ E = torch.zeros(d_logits.size(2), d_x.size(2), requires_grad=True)
+ torch.autograd.backward([E[idx], stream @ E.T], [d_x, d_logits])
+ return E.grad
    `
+ E = torch.zeros(d_logits.size(2), d_x.size(2), requires_grad=True)
+ total = (E[idx] * d_x).sum() + ((stream @ E.T) * d_logits).sum()
+ total.backward()
+ return E.grad
    `backward` does the work
+ E = torch.zeros(d_logits.size(2), d_x.size(2), requires_grad=True)
+ return torch.autograd.grad([E[idx], stream @ E.T], E, [d_x, d_logits])[0]
    `grad` does the work
"""
