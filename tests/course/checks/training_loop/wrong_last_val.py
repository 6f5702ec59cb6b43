from torch import nn

SAYS = "the loss of its last batch"


def answer(model, optimizer, batches, val_batches, rates, max_norm):
    losses = []
    model.train()
    for (idx, targets), rate in zip(batches, rates, strict=True):
        for group in optimizer.param_groups:
            group["lr"] = rate
        loss = model(idx, targets)[1]
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), max_norm)
        optimizer.step()
        losses.append(loss.item())
    model.eval()
    for idx, targets in val_batches:
        val = model(idx, targets)[1].item()
    return losses, val
