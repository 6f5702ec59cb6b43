SAYS = "added up as they are"


def answer(model, optimizer, pieces):
    optimizer.zero_grad()
    total = 0.0
    for idx, targets in pieces:
        loss = model(idx, targets)[1]
        loss.backward()
        total += loss.item()
    optimizer.step()
    return total
