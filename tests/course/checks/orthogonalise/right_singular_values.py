import torch


def answer(G, steps):
    """What the rounds do to the singular values, done to them."""
    U, s, V = torch.linalg.svd(G, full_matrices=False)
    s = s / s.norm()
    for _ in range(steps):
        s = 3.4445 * s - 4.7750 * s**3 + 2.0315 * s**5
    return U * s @ V
