"""Answers to training_loop, right and wrong."""

RIGHT = {
    "cleared after": """
def answer(model, optimizer, batches, val_batches, rates, max_norm):
    '''Clears after the step, clips by hand, takes the modes' names literally.'''
    losses = []
    for batch, rate in zip(batches, rates, strict=True):
        model.train(True)
        loss = model(*batch)[1]
        loss.backward()
        grads = [p.grad for p in model.parameters()]
        norm = torch.cat([g.flatten() for g in grads]).norm()
        for g in grads:
            g.mul_((max_norm / (norm + 1e-6)).clamp(max=1))
        for group in optimizer.param_groups:
            group.update(lr=rate)
        optimizer.step()
        model.zero_grad()
        losses.append(loss.item())
    model.train(False)
    with torch.inference_mode():
        val = torch.stack([model(*batch)[1] for batch in val_batches])
    return losses, val.mean()
""",
    "range": """
def answer(model, optimizer, batches, val_batches, rates, max_norm):
    losses = []
    model.train()
    for i in range(len(batches)):
        optimizer.zero_grad(set_to_none=False)
        _, loss = model(*batches[i])
        loss.backward()
        losses += [float(loss)]
        nn.utils.clip_grad_norm_(
            [p for g in optimizer.param_groups for p in g["params"]], max_norm
        )
        for group in optimizer.param_groups:
            group["lr"] = rates[i]
        optimizer.step()
    model.eval()
    val = 0.0
    for batch in val_batches:
        val += model(*batch)[1].item() / len(val_batches)
    return losses, val
""",
}

# Wrong in other ways than the mistakes that the check knows.
WRONG = """
nn.utils.clip_grad_norm_(model.parameters(), max_norm) =>
zero_grad() => zero_grad(); nn.utils.clip_grad_norm_(model.parameters(), max_norm)
    not clipped when the step is taken
group["lr"] = rate => optimizer.lr = rate
    The rates are not used
, sum(val) / len(val) =>
    which does not fit here
zip(batches, rates => zip(batches + val_batches, rates + rates[-1:] * len(val_batches)
return losses, => return losses[: len(batches)],
    trained on val, too
loss.item() => loss.detach()
    holds tensors, not plain numbers
optimizer.step() => [p.data.sub_(rate * p.grad) for p in model.parameters()]
    Another optimizer
"""

EQUIVALENT = {
    "model.zero_grad()": "it clears the same gradients",
    "zip(batches, rates)": "the lists are of one length",
    "strict=False": "the lists are of one length",
    "[model(idx, targets)[1] for": "val may be a tensor",
}
