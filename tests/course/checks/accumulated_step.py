"""Answers to accumulated_step, right and wrong."""

RIGHT = {
    "divided at the end": """
def answer(model, optimizer, pieces):
    '''Sums over rows first, and one division of the gradients at the end.'''
    model.zero_grad()
    rows, total = 0, 0.0
    for idx, targets in pieces:
        loss = model(idx, targets)[1]
        (loss * idx.size(0)).backward()
        total = total + loss.item() * idx.size(0)
        rows += idx.size(0)
    for p in model.parameters():
        p.grad /= rows
    optimizer.step()
    optimizer.zero_grad()
    return total / rows
""",
    "measured before": """
def answer(model, optimizer, pieces):
    sizes = [len(idx) for idx, _ in pieces]
    with torch.no_grad():
        losses = [model(*piece)[1].item() for piece in pieces]
    for group in optimizer.param_groups:
        for p in group["params"]:
            p.grad = None
    for piece, size in zip(pieces, sizes):
        model(*piece)[1].backward(torch.tensor(size / sum(sizes)))
    optimizer.step()
    return np.average(losses, weights=sizes)
""",
}

# Wrong in other ways than the mistakes that the check knows.
WRONG = """
/ rows => / 4
    weights, pieces of
+ rows = sum(len(idx) for idx, _ in pieces)
+ optimizer.zero_grad()
+ losses = [model(idx, y)[1] * len(idx) / rows for idx, y in pieces]
+ for loss in losses:
+     loss.backward()
+ optimizer.step()
+ return sum(losses).item()
    forward, forward, backward, backward, step
optimizer.zero_grad() =>
optimizer.step() =>
loss.backward() => optimizer.zero_grad(); loss.backward(); optimizer.step()
    Each piece has a step
total += loss.item() => total += loss.detach()
    as a tensor
+ best = max(pieces, key=lambda piece: len(piece[0]))
+ optimizer.zero_grad()
+ loss = model(*best)[1]
+ loss.backward()
+ optimizer.step()
+ return loss.item()
    called once for all
+ whole = [torch.cat(parts) for parts in zip(*pieces)]
+ optimizer.zero_grad()
+ loss = model(*whole)[1]
+ loss.backward()
+ optimizer.step()
+ return loss.item()
    called once for all
"""

EQUIVALENT = {"model.zero_grad()": "it clears the same gradients"}
