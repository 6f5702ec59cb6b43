import torch
from torch import nn

SAYS = "The modes are swapped"


def answer(model, optimizer, batches, val_batches, rates, max_norm):
    losses = []
    model.eval()
    for (idx, targets), rate in zip(batches, rates, strict=True):
        optimizer.param_groups[0]["lr"] = rate
        loss = model(idx, targets)[1]
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), max_norm)
        optimizer.step()
        losses.append(loss.item())
    model.train()
    with torch.no_grad():
        val = [model(idx, y)[1].item() for idx, y in val_batches]
    return losses, sum(val) / len(val)
