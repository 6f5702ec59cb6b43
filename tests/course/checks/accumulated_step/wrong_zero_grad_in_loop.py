SAYS = "zero_grad stands inside the loop"


def answer(model, optimizer, pieces):
    rows = sum(len(idx) for idx, _ in pieces)
    total = 0.0
    for idx, targets in pieces:
        optimizer.zero_grad()
        loss = model(idx, targets)[1] * len(idx) / rows
        loss.backward()
        total += loss.item()
    optimizer.step()
    return total
