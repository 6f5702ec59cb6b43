SAYS = "It is one round, however many"


def answer(G, steps):
    a, b, c = 3.4445, -4.7750, 2.0315
    X = G / G.norm()
    S = X @ X.T  # (R, R)
    X = a * X + b * S @ X + c * S @ S @ X
    return X
