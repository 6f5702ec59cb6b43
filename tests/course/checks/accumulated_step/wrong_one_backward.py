SAYS = "all pieces are in memory"


def answer(model, optimizer, pieces):
    rows = sum(len(idx) for idx, _ in pieces)
    optimizer.zero_grad()
    loss = sum(model(idx, y)[1] * len(idx) / rows for idx, y in pieces)
    loss.backward()
    optimizer.step()
    return loss.item()
