import torch

SAYS = "This is UVᵀ itself"


def answer(G, steps):
    U, _, Vh = torch.linalg.svd(G, full_matrices=False)
    return U @ Vh
