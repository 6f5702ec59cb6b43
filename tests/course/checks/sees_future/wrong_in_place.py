SAYS = "changed in place"


def answer(layer, x):
    before, found = layer(x), False
    for s in range(1, x.size(1)):
        x[:, s] += 1.0
        found = found or bool((layer(x)[:, :s] != before[:, :s]).any())
        before = layer(x)
    return found
