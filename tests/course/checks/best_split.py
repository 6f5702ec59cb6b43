"""Answers to best_split, right and wrong."""

RIGHT = {
    "search": """
def answer(budget, A, B, alpha, beta):
    '''Without solving: where the loss along N D = C / 6 stops falling, by halving.'''
    total = math.log(budget / 6)
    low, high = -100.0, total + 100.0  # ln N
    for _ in range(200):
        x = (low + high) / 2
        by_size = alpha * A * math.exp(-alpha * x)
        by_data = beta * B * math.exp(-beta * (total - x))
        low, high = (x, high) if by_size > by_data else (low, x)
    return math.exp(low), math.exp(total - low)
""",
    "whole numbers": """
def answer(budget, A, B, alpha, beta):
    G = (alpha * A / beta / B) ** (1 / (alpha + beta))
    a, b = beta / (alpha + beta), alpha / (alpha + beta)
    return [round(G * (budget / 6) ** a), round((budget / 6) ** b / G)]
""",
}

EQUIVALENT = {
    "The numbers lost their decimals: expected floats.": "whole numbers are as good",
}
