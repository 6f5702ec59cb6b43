import torch


def answer(model, optimizer, batches, val_batches, rates, max_norm):
    """Clears after the step, clips by hand, takes the modes' names literally."""
    losses = []
    for batch, rate in zip(batches, rates, strict=True):
        model.train(True)
        loss = model(*batch)[1]
        loss.backward()
        grads = [p.grad for p in model.parameters()]
        norm = torch.cat([g.flatten() for g in grads]).norm()
        for g in grads:
            g.mul_((max_norm / (norm + 1e-6)).clamp(max=1))
        optimizer.param_groups[0].update(lr=rate)
        optimizer.step()
        model.zero_grad()
        losses.append(loss.detach())
    model.train(False)
    with torch.inference_mode():
        val = torch.stack([model(*batch)[1] for batch in val_batches])
    return losses, val.mean()
