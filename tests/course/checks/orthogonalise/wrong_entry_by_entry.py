SAYS = "entry by entry (`X**3`)"


def answer(G, steps):
    a, b, c = 3.4445, -4.7750, 2.0315
    X = G / G.norm()
    for _ in range(steps):
        X = a * X + b * X**3 + c * X**5
    return X
