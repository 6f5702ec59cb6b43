import torch
from torch import nn

SAYS = "between backward and step"


def answer(model, optimizer, batches, val_batches, rates, max_norm):
    losses = []
    model.train()
    for (idx, targets), rate in zip(batches, rates, strict=True):
        for group in optimizer.param_groups:
            group["lr"] = rate
        loss = model(idx, targets)[1]
        loss.backward()
        optimizer.zero_grad()
        nn.utils.clip_grad_norm_(model.parameters(), max_norm)
        optimizer.step()
        losses.append(loss.item())
    model.eval()
    with torch.no_grad():
        val = [model(idx, targets)[1].item() for idx, targets in val_batches]
    return losses, sum(val) / len(val)
