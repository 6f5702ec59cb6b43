import torch


def answer(sizes, losses):
    """Least squares in log2, the place of the lowest point from the derivative."""
    x = torch.log2(torch.tensor(sizes, dtype=torch.float64))
    y = torch.tensor(losses, dtype=torch.float64)
    shifted = x - x.mean()
    columns = torch.stack([shifted**2, shifted, torch.ones_like(x)], dim=1)
    a, b, _ = torch.linalg.lstsq(columns, y[:, None]).solution[:, 0]
    return 2 ** (x.mean() - b / (2 * a))
