def answer(G, steps):
    """The same from the other side: XXᵀX is X(XᵀX)."""
    X = G / (G.square().sum() + 1e-7).sqrt()
    for _ in range(steps):
        S = X.mT @ X
        X = 3.4445 * X + X @ (-4.7750 * S + 2.0315 * S @ S)
    return X
