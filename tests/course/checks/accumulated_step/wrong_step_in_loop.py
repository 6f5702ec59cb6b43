SAYS = "There is a step after each piece"


def answer(model, optimizer, pieces):
    rows = sum(len(idx) for idx, _ in pieces)
    optimizer.zero_grad()
    total = 0.0
    for idx, targets in pieces:
        loss = model(idx, targets)[1] * len(idx) / rows
        loss.backward()
        optimizer.step()
        total += loss.item()
    return total
