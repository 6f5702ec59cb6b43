SAYS = "a training step of its own"


def answer(model, optimizer, pieces):
    rows = sum(len(idx) for idx, _ in pieces)
    total = 0.0
    for idx, targets in pieces:
        optimizer.zero_grad()
        loss = model(idx, targets)[1] * len(idx) / rows
        loss.backward()
        optimizer.step()
        total += loss.item()
    return total
