SAYS = "expected False (bool)"


def answer(layer, x):
    before = layer(x)  # (B, T, D)
    for s in range(1, x.size(1)):
        changed = x.clone()  # (B, T, C)
        changed[:, s] += 1.0
        if (layer(changed)[:, :s] != before[:, :s]).any():
            return f"place {s}"
    return "nowhere"
