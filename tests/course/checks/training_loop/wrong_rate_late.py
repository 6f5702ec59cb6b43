import torch
from torch import nn

SAYS = "one step late"


def answer(model, optimizer, batches, val_batches, rates, max_norm):
    losses = []
    for group in optimizer.param_groups:
        group["lr"] = rates[0]
    model.train()
    for (idx, targets), rate in zip(batches, rates, strict=True):
        loss = model(idx, targets)[1]
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), max_norm)
        optimizer.step()
        losses.append(loss.item())
        for group in optimizer.param_groups:
            group["lr"] = rate
    model.eval()
    with torch.no_grad():
        val = [model(idx, targets)[1].item() for idx, targets in val_batches]
    return losses, sum(val) / len(val)
