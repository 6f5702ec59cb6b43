"""Answers to orthogonalise, right and wrong."""

RIGHT = {
    "by columns": """
def answer(G, steps):
    '''The same from the other side: XXᵀX is X(XᵀX).'''
    X = G / (G.square().sum() + 1e-7).sqrt()
    for _ in range(steps):
        S = X.mT @ X
        X = 3.4445 * X + X @ (-4.7750 * S + 2.0315 * S @ S)
    return X
""",
    "singular values": """
def answer(G, steps):
    '''What the rounds do to the singular values, done to them.'''
    U, s, V = torch.linalg.svd(G, full_matrices=False)
    s = s / s.norm()
    for _ in range(steps):
        s = 3.4445 * s - 4.7750 * s**3 + 2.0315 * s**5
    return U * s @ V
""",
}
