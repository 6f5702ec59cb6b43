"""Exercises of 06_training: a step of AdamW, the learning rate, clipping."""

import torch
from torch import tensor

from gptcourse.checks.core import Case, Exercise
from gptcourse.checks.fixed import numbers
from gptcourse.checks.values import number, plain

FIRST = tensor([1.0, 1.0]), tensor([1.0, 100.0]), torch.zeros(2), torch.zeros(2)
LATER = numbers(3), numbers(3, start=5), numbers(3, start=9), numbers(3, start=14) ** 2
TABLE = [*(numbers(2, 3, start=20 + 10 * i) for i in range(3)), numbers(2, 3) ** 2]

adamw_step = Exercise(
    """
def my_adamw(p, g, m, v, t, lr, decay, b1, b2, eps):
    m = b1 * m + (1 - b1) * g  # running mean of g
    v = b2 * v + (1 - b2) * g**2  # running mean of g²
    m_hat = m / (1 - b1**t)
    v_hat = v / (1 - b2**t)
    p = p * (1 - lr * decay)  # the W of AdamW
    return p - lr * m_hat / (v_hat.sqrt() + eps), m, v
""",
    keeps=("p", "g", "m", "v"),
    praise="two running means, corrected; decay by itself; steps of about the rate.",
    parts=("p", "m", "v"),
    gradients=False,
    cases=[
        Case(f"step {rest[0]}, {title}", args=(*tensors, *rest))
        for title, tensors, rest in (
            ("p = [1, 1], g = [1, 100]", FIRST, (1, 0.1, 0.0, 0.9, 0.95, 1e-8)),
            ("no decay", LATER, (3, 0.5, 0.0, 0.8, 0.9, 1e-8)),
            ("a table, decay = 0.1, ε = 0.3", TABLE, (2, 0.2, 0.1, 0.9, 0.99, 0.3)),
        )
    ],
    mistakes="""
eps), m, v => eps), m_hat, v_hat
    The corrected means are returned: return m and v, or they are corrected twice.
1 - b1**t => (1 - b1) ** t
1 - b2**t => (1 - b2) ** t
    The correction is 1 - b^t: only b is raised to the power t, not 1 - b.
m = b1 * m => g = g + decay * p; m = b1 * m
p * (1 - lr * decay) => p
    The decay goes through the gradient, as in Adam: AdamW takes p · (1 - lr · decay).
p * (1 - lr * decay) => p
- p - lr * m_hat / (v_hat.sqrt() + eps)
+ (p - lr * m_hat / (v_hat.sqrt() + eps)) * (1 - lr * decay)
    The decay shrinks the step, too: first p · (1 - lr · decay), then the step.
b1 * m + (1 - b1) * g => (1 - b1) * m + b1 * g
b2 * v + (1 - b2) * g**2 => (1 - b2) * v + b2 * g**2
    Old and new are exchanged: b1 · m + (1 - b1) · g, and likewise for v.
m_hat / (v_hat.sqrt() + eps) => m_hat / v_hat.sqrt()
    ε is missing: divide by √v + ε.
b1**t => b1 * t
b2**t => b2 * t
    b · t stands where b^t should: b to the power t.
v_hat.sqrt() + eps => (v_hat + eps).sqrt()
    ε stands inside the root: here it is √v + ε (LayerNorm has it inside).
eps), m, v => eps), v, m
    v comes back before m: return p, m, v.
p * (1 - lr * decay) => p
lr * m_hat => lr * (m_hat + decay * p)
    The decay is divided by √v, too: p · (1 - lr · decay) stands by itself.
""",
)


def ask_rates(steps: int, lr: float, rise: int) -> Case:
    """All rates of a training in a row; or the first, where it is no number."""

    def probe(answer):
        rates = [number(plain(answer(n, steps, lr, rise))) for n in range(1, steps + 1)]
        numeric = all(isinstance(rate, int | float) for rate in rates)
        return tensor(rates, dtype=torch.float) if numeric else rates[0]

    return Case(f"all rates of {steps} steps, lr = {lr:g}, rise = {rise}", probe)


warmup_cosine = Exercise(
    """
def my_rate(step, steps, lr, rise):
    if step <= rise:
        return lr * step / rise
    done = (step - rise - 1) / (steps - rise)
    return lr * (1 + math.cos(math.pi * done)) / 2
""",
    praise="up to lr at step rise, then half a cosine, and the last step still counts.",
    cases=[ask_rates(*a) for a in ((6, 1.0, 2), (4, 0.5, 0), (8, 2.0, 4), (6, 3.0, 1))],
    mistakes="""
(step - rise - 1) / (steps - rise) => (step - 1) / steps
    The cosine begins with step 1: it begins after the warm-up.
(1 + math.cos(math.pi * done)) / 2 => math.cos(math.pi * done / 2)
    This is a quarter of a turn (π/2): take (1 + cos πd) / 2.
(step - rise - 1) / (steps - rise) => (step - rise) / (steps - rise + 1)
    It falls from step rise + 1 on: that step still has the full rate.
(1 + math.cos(math.pi * done)) / 2 => (1 - done)
    This is a straight line: half a cosine is (1 + cos πd) / 2.
lr * step / rise => lr * (step // rise)
    `//` gives 0 until step rise: divide with `/`.
""",
)

ROW = [6.0, -2.0, 1.0]

clip_gradients = Exercise(
    """
def my_clip(grads, max_norm):
    norm = torch.sqrt(sum((g**2).sum() for g in grads))  # ()
    if norm <= max_norm:
        return grads
    return [g * max_norm / norm for g in grads]
""",
    keeps=("grads",),
    praise="one norm over all tensors, shortened to the limit, direction kept.",
    cases=[
        Case(f"{grads}, max_norm = {limit:g}", args=([tensor(g) for g in grads], limit))
        for grads, limit in (
            *(([[3.0], [4.0]], 1.0), ([[3.0], [4.0]], 6.0), ([[0.0], [0.0]], 1.0)),
            *(([[3.0], [-4.0]], 4.5), ([ROW, [ROW, ROW[::-1]], -1.0], 2.0)),
        )
    ],
    mistakes="""
+ return [right([g], max_norm)[0] for g in grads]
    Each tensor is clipped by itself: take one norm, over all tensors together.
+ return [g.clamp(-max_norm, max_norm) for g in grads]
    Each number is cut at the limit: scale all of them by one factor.
norm <= max_norm => False
    A gradient below the limit is scaled up to it: clipping only shortens.
torch.sqrt(sum((g**2).sum() for g in grads)) => sum(g.norm() for g in grads)
    The tensors' norms are added: square all numbers, add, then take one root.
torch.sqrt(sum((g**2).sum() for g in grads)) => sum(g.abs().sum() for g in grads)
    The sizes of all numbers are added: take the root of the sum of their squares.
torch.sqrt( => sum(g.numel() for g in grads) ** -0.5 * torch.sqrt(
    This is the root of the mean square: the norm is the root of the *sum* of squares.
norm <= max_norm => False
g * max_norm / norm => g / norm * norm.clamp(max=max_norm)
    If all gradients are zero this is 0 / 0, NaN: divide only above max_norm.
g * max_norm / norm => g * norm / max_norm
    The factor is upside down: it is max_norm / norm.
+ return [*torch.cat([g.flatten() for g in right(grads, max_norm)])]
    All numbers come back in one row: return one tensor for each given one.
""",
)
