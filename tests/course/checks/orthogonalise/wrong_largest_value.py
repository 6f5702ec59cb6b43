SAYS = "largest singular value"


def answer(G, steps):
    a, b, c = 3.4445, -4.7750, 2.0315
    X = G / G.svd().S[0]
    for _ in range(steps):
        S = X @ X.T  # (R, R)
        X = a * X + b * S @ X + c * S @ S @ X
    return X
