SAYS = "XᵀX stands where XXᵀ should"


def answer(G, steps):
    a, b, c = 3.4445, -4.7750, 2.0315
    X = G / G.norm()
    for _ in range(steps):
        S = X.T @ X
        X = a * X + b * S @ X + c * S @ S @ X
    return X
