SAYS = "says yes to every layer"


def answer(layer, x):
    return bool((layer(x + 1.0) != layer(x)).any())
