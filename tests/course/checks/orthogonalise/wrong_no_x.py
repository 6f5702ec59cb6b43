SAYS = "not multiplied by X"


def answer(G, steps):
    a, b, c = 3.4445, -4.7750, 2.0315
    X = G / G.norm()
    for _ in range(steps):
        S = X @ X.T  # (R, R)
        X = a * X + b * S + c * S @ S
    return X
