SAYS = "places after the changed one"


def answer(layer, x):
    before = layer(x)  # (B, T, D)
    for s in range(1, x.size(1)):
        changed = x.clone()  # (B, T, C)
        changed[:, s] += 1.0
        if (layer(changed)[:, s + 1 :] != before[:, s + 1 :]).any():
            return True
    return False
