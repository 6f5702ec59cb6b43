"""Answers to rotary, right and wrong."""

RIGHT = {
    "complex": """
def answer(x, places):
    D = x.size(-1)
    speed = torch.exp(-torch.log(torch.tensor(10_000.0)) * torch.arange(0, D, 2) / D)
    turned = torch.polar(torch.ones(()), torch.outer(places.float(), speed))
    z = torch.complex(x[..., : D // 2], x[..., D // 2 :]) * turned
    return torch.cat([z.real, z.imag], -1)
""",
    "rotate half": """
def answer(x, places):
    D = x.size(-1)
    angles = places.view(-1, 1) * 10_000.0 ** (-torch.arange(0, D, 2) / D)
    angles = torch.cat([angles, angles], dim=-1)  # (T, D)
    a, b = x.chunk(2, dim=-1)
    return x * angles.cos() + torch.cat([-b, a], dim=-1) * angles.sin()
""",
}

# Wrong in other ways than the mistakes that the check knows.
WRONG = """
* cos - b * sin, a * sin + b * cos => + angles, b + angles
    numbers
"""
