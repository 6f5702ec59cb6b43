"""Exercises of 13_speed: a step's FLOPs, softmax in tiles, 16 bits."""

import torch
from torch import tensor

from gptcourse.checks.core import Case, Exercise
from gptcourse.checks.fixed import numbers
from gptcourse.checks.values import floats

step_flops = Exercise(
    """
def my_flops(L, C, V, T, B):
    weights = 12 * L * C**2 + V * C  # of all matrices
    tokens = B * T
    return 6 * weights * tokens, 12 * L * T * C * tokens
""",
    praise="6 FLOPs per weight and token, and those of attention on top.",
    parts=("the matrices", "attention"),
    result=floats,
    cases=[
        Case(f"L, C, V, T, B = {a}", args=a)
        for a in ((1, 2, 3, 5, 1), (2, 3, 5, 7, 11))
    ],
    mistakes="""
6 * weights * tokens, 12 => 2 * weights * tokens, 4
    This is the forward pass only: the backward pass costs twice as much again.
6 * weights * tokens, 12 => 4 * weights * tokens, 8
    This is 4 per weight: the forward pass costs 2, the backward pass twice that.
= 12 * => = 11 *
    The projection behind the heads is missing: C² weights in each block.
+ V * C => + L * V * C
    The matrix that makes the logits is counted in every block: it is there once.
6 * weights * tokens, 12 => 3 * weights * tokens, 6
    Half of it: a weight costs a multiplication *and* an addition.
""",
)


def after(scores):
    """m, s and y (T, 2) after one tile of scores (T, S)."""
    scores = tensor(scores)
    m = scores.amax(1, keepdim=True)
    e = (scores - m).exp()
    return m, e.sum(1, keepdim=True), e @ numbers(scores.size(1), 2, start=5)


def ask_tile(title, before, scores):
    """A case: a tile of scores, after one of the scores before."""
    sums, V = after(before) if before else START, numbers(len(scores[0]), 2, start=20)
    return Case(title, args=(*sums, tensor(scores), V))


TINY = tensor([1.23e-20, -4.56e-20])
START = torch.full((1, 1), -torch.inf), torch.zeros(1, 1), torch.zeros(1, 2)

softmax_tile = Exercise(
    """
def my_tile(m, s, y, scores, V):
    new = torch.maximum(m, scores.amax(dim=1, keepdim=True))  # (T, 1)
    shrink = (m - new).exp()  # (T, 1), for what counts from the old m
    e = (scores - new).exp()  # (T, S)
    s = s * shrink + e.sum(dim=1, keepdim=True)  # (T, 1)
    y = y * shrink + e @ V  # (T, d)
    return new, s, y
""",
    praise="a softmax over all scores that never sees more than a tile of them.",
    parts=("m", "s", "y"),
    gradients=False,
    cases=[
        ask_tile("the first tile, scores 0 1", None, [[0.0, 1.0]]),
        ask_tile("the first tile, scores -2 -1", None, [[-2.0, -1.0]]),
        ask_tile("after 0 1, a tile of 2", [[0.0, 1.0]], [[2.0]]),
        ask_tile("after 2, a tile of 0 1", [[2.0]], [[0.0, 1.0]]),
        ask_tile("two queries", [[1.0, -1], [0, 2]], [[3.0, 0], [0, 1]]),
        ask_tile("after -300, -200 -99", [[-300.0]], [[-200.0, -99]]),
        ask_tile("three queries", [[1.0, 0], [0, 3], [-2, 2]], numbers(3, 4).tolist()),
    ],
    mistakes="""
(m - new).exp() => 1
scores - new => scores
    Nothing is subtracted before the exponential: e²⁰⁰ is no float32. Subtract new m.
m - new => new - m
    The old sums grow where they should shrink: the factor is exp(m - new m), at most 1.
torch.maximum(m, scores.amax(dim=1, keepdim=True)) => scores.amax(dim=1, keepdim=True)
    m is the highest score of this tile alone: torch.maximum(m, …) keeps the old one.
new, s, y => new, s, y / s
    y is divided by s after each tile: divide once, after the last one.
s * shrink + e.sum(dim=1, keepdim=True) => (s + e.sum(dim=1, keepdim=True)) * shrink
y * shrink + e @ V => (y + e @ V) * shrink
    The tile's own part shrinks, too: multiply only the old sums.
e @ V => scores.softmax(1) @ V
    The tile's weights are divided by their own sum: y holds numerators, add e @ V.
e = (scores - new).exp() => e = scores.softmax(1)
    The tile's weights are divided by their own sum: s and y add up numerators.
dim=1, keepdim=True)) => dim=1, keepdim=True)).clamp(min=0)
    m never falls below 0: all scores may be negative.
scores - new => scores - scores.amax(dim=1, keepdim=True)
    The tile is counted from its own highest score: take exp(scores - new).
(scores - new).exp() => (scores - new.T).exp()
    The new m lies along the columns of the scores: it needs its axis, keepdim=True.
""",
)

sixteen_bits = Exercise(
    """
def my_rounding(x):
    fraction, exponent = torch.frexp(x)  # x = fraction · 2^exponent
    whole = (fraction * 256).round()  # 8 bits: 128 to 256
    return torch.ldexp(whole, exponent - 8)
""",
    praise="8 significant bits, the range of float32, ties to even.",
    gradients=False,
    forbid=("bfloat16",),
    tolerance=1e-6,
    cases=[
        Case(f"x = {title}", args=(tensor(values),))
        for title, values in {
            "0.1 100.3 -3.14159": [0.1, 100.3, -3.14159],
            "1 + 1/256 and 1 + 3/256, two ties": [1 + 1 / 256, 1 + 3 / 256],
            "-1 - 1/256 and -1 - 3/256": [-1 - 1 / 256, -1 - 3 / 256],
            "just above a tie, and just below": [1.00390648, 1.0117183],
            "0 and -2": [0.0, -2.0],
            "123456.7 and 1.9999": [123456.7, 1.9999],
            "1.23e20 and -4.56e20": [1.23e20, -4.56e20],
            "two rows of three": [[0.3, -70.7, 5e5], [0.0123, 2.7183, 41.9]],
        }.items()
    ]
    + [
        Case("x = 1.23e-20 -4.56e-20, result times 2⁷⁰", lambda f: f(TINY) * 2.0**70),
        Case("the type", lambda f: str(torch.as_tensor(f(TINY)).dtype)),
    ],
    mistakes="""
256).round => 128).round
exponent - 8 => exponent - 7
    One bit too few: 7 stored bits and a leading 1 that needs no storing make 8.
+ return x.half().float()
    This is float16, of 11 significant bits and a small range: bfloat16 has 8.
(fraction * 256).round() => fraction.sign() * (fraction.abs() * 256 + 0.5).floor()
    Ties are rounded away from zero: to the even neighbor, as `torch.round` does.
+ return (x * 256).round() / 256
    This is fixed point, every step 1/256: the step of a float grows with its exponent.
torch.ldexp(whole, exponent - 8) => whole / 256
    The exponent is gone: multiply by 2 to the exponent again.
(fraction * 256).round() => (fraction * 256 + 0.5).floor()
    Ties are rounded up: they go to the even neighbor, as `torch.round` does.
return torch.ldexp(whole, exponent - 8) => return whole
    These are the 8 bits as whole numbers: multiply by 2^(exponent - 8).
frexp(x) => frexp(x.abs())
    The sign is lost: a negative number stays negative.
""",
)
