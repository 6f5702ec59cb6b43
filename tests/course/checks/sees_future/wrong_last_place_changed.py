SAYS = "changes the last place only"


def answer(layer, x):
    before = layer(x)  # (B, T, D)
    for s in [x.size(1) - 1]:
        changed = x.clone()  # (B, T, C)
        changed[:, s] += 1.0
        if (layer(changed)[:, :s] != before[:, :s]).any():
            return True
    return False
