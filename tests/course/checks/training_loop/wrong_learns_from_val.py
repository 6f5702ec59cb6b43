from torch import nn

SAYS = "trained on val, too"


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
    val = []
    for idx, targets in val_batches:
        loss = model(idx, targets)[1]
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), max_norm)
        optimizer.step()
        val.append(loss.item())
    return losses, sum(val) / len(val)
