"""Answers to sixteen_bits, right and wrong."""

RIGHT = {
    "bits": """
def answer(x):
    bits = x.view(torch.int32)
    even = (bits >> 16) & 1
    return ((bits + 0x7FFF + even) & -0x10000).view(torch.float32)
""",
    "loop": """
def answer(numbers):
    rounded = []
    for x in numbers.flatten().tolist():
        step = 2.0 ** (math.frexp(x)[1] - 8)
        rounded.append(round(x / step) * step)
    return torch.tensor(rounded).view(numbers.shape)
""",
}

# Wrong in other ways than the mistakes that the check knows.
WRONG = """
+ return (x.view(torch.int32) & -0x10000).view(torch.float32)
    `(fraction * 256).trunc()` in place of
+ return ((x.view(torch.int32) + 0x8000) & -0x10000).view(torch.float32)
    rounded away from zero
+ return x.bfloat16().float()
    `bfloat16` does the work
+ return x.to(dtype=torch.bfloat16).float()
    `bfloat16` does the work
+ bits = x.view(torch.int32)
+ up = (bits >> 15) & (bits >> 16) & 1
+ return (((bits >> 16) + up) << 16).view(torch.float32)
    expected
"""
