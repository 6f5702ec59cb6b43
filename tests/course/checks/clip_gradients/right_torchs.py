import torch


def answer(grads, max_norm):
    holders = [torch.zeros_like(g, requires_grad=True) for g in grads]
    for holder, g in zip(holders, grads, strict=True):
        holder.grad = g.clone()
    torch.nn.utils.clip_grad_norm_(holders, max_norm)
    return tuple(holder.grad for holder in holders)
