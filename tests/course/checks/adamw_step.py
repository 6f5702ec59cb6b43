"""Answers to adamw_step, right and wrong."""

RIGHT = {
    "torchs": """
def answer(p, g, m, v, t, lr, decay, b1, b2, eps):
    m = torch.lerp(m, g, 1 - b1)
    v = v.mul(b2).addcmul(g, g, value=1 - b2)
    size = torch.sqrt(v / (1 - b2**t)).add(eps)
    moved = torch.addcdiv(p - p * lr * decay, m, size, value=-lr / (1 - b1**t))
    return [moved, m, v]
""",
    "step size by hand": """
def answer(p, g, m, v, t, lr, decay, b1, b2, eps):
    m = m + (1 - b1) * (g - m)
    v = v - (1 - b2) * (v - g.square())
    with torch.no_grad():
        step = (m / (1 - b1**t)) / (eps + (v / (1 - b2**t)) ** 0.5)
    return p - lr * decay * p - lr * step, m, v
""",
}

# Wrong in other ways than the mistakes that the check knows.
WRONG = """
m = b1 * m + => m *= b1; m +=
    `m` is changed in place
+ return right(p, g, m, v, t, lr, decay, b2, b1, eps)
    `b1` and `b2` seem to be exchanged
+ return right(p, g, m, v, t + 1, lr, decay, b1, b2, eps)
    `t` were larger by one
"""
