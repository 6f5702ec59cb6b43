SAYS = "The term with c is missing"


def answer(G, steps):
    a, b, c = 3.4445, -4.7750, 2.0315
    X = G / G.norm()
    for _ in range(steps):
        S = X @ X.T  # (R, R)
        X = a * X + b * S @ X
    return X
