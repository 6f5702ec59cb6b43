SAYS = "that of the last piece"


def answer(model, optimizer, pieces):
    rows = sum(len(idx) for idx, _ in pieces)
    optimizer.zero_grad()
    for idx, targets in pieces:
        loss = model(idx, targets)[1]
        (loss * len(idx) / rows).backward()
    optimizer.step()
    return loss.item()
