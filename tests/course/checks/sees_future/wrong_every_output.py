SAYS = "whether *every* earlier output"


def answer(layer, x):
    before, found = layer(x), []
    for s in range(1, x.size(1)):
        changed = x.clone()
        changed[:, s] += 1.0
        found.append((layer(changed)[:, :s] != before[:, :s]).all())
    return all(found)
