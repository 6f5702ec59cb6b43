SAYS = "Every piece counts alike"


def answer(model, optimizer, pieces):
    optimizer.zero_grad()
    total = 0.0
    for idx, targets in pieces:
        loss = model(idx, targets)[1] / len(pieces)
        loss.backward()
        total += loss.item()
    optimizer.step()
    return total
