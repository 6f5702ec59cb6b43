import torch


def answer(logits, temperature=1.0, top_k=None, top_p=None):
    z = logits / temperature
    order = z.argsort(dim=-1, descending=True, stable=True)
    place = order.argsort(dim=-1)
    cut = torch.zeros_like(z, dtype=torch.bool)
    if top_k:
        cut |= place >= top_k
    if top_p:
        p = z.softmax(-1).gather(-1, order)
        reached = torch.cat([torch.zeros(len(z), 1), p.cumsum(-1)[:, :-1]], dim=-1)
        cut |= (reached >= top_p).gather(-1, place)
    return z.masked_fill(cut, -torch.inf).softmax(-1)
