import math


def answer(budget, A, B, alpha, beta):
    """Without solving: where the loss along N D = C / 6 stops falling, by halving."""
    total = math.log(budget / 6)
    low, high = -100.0, total + 100.0  # ln N
    for _ in range(200):
        x = (low + high) / 2
        by_size = alpha * A * math.exp(-alpha * x)
        by_data = beta * B * math.exp(-beta * (total - x))
        low, high = (x, high) if by_size > by_data else (low, x)
    return math.exp(low), math.exp(total - low)
