"""Exercises of 14_modern: rotary positions, RMSNorm, Muon's equal directions."""

from torch import tensor

from gptcourse.checks.core import Case, Exercise
from gptcourse.checks.fixed import numbers

rotary = Exercise(
    """
def my_rope(x, places):
    half = x.size(-1) // 2
    i = torch.arange(half)
    angles = places[:, None] / 10_000 ** (i / half)  # (T, D/2)
    cos, sin = angles.cos(), angles.sin()
    a, b = x[..., :half], x[..., half:]  # (B, H, T, D/2) each
    return torch.cat([a * cos - b * sin, a * sin + b * cos], dim=-1)
""",
    keeps=("x",),
    praise="each pair rotated by its position, the first fast, the last slowly.",
    cases=[
        Case(f"{title} at {', '.join(map(str, places))}", args=(x, tensor(places)))
        for title, x, places in (
            ("the pair (1, 0)", tensor([[[[1.0, 0.0]] * 3]]), [0, 1, 2]),
            ("1 2 3 4, two pairs,", tensor([[[[1.0, 2.0, 3.0, 4.0]] * 2]]), [0, 1]),
            ("one new query", numbers(1, 1, 1, 4), [7]),
            ("two heads, positions", numbers(2, 2, 3, 8), [2, 700, 11]),
            ("three heads, positions", numbers(2, 3, 4, 6), [5, 6, 7, 8]),
        )
    ],
    mistakes="""
a * cos - b * sin, a * sin + b * cos => a * cos + b * sin, b * cos - a * sin
    It rotates the other way: a · cos - b · sin, a · sin + b · cos.
return torch.cat([a * cos - b * sin, a => a = a * cos - b * sin; return torch.cat([a, a
    b is rotated with the new a: keep the old one until both are computed.
:half], x[..., half:] => ::2], x[..., 1::2]
torch.cat => torch.stack
dim=-1) => dim=-1).flatten(-2)
    The pairs are neighbors, 2i and 2i + 1: pair i is here number i and i + D/2.
torch.cat => torch.stack
dim=-1) => dim=-1).flatten(-2)
    The pairs come back interleaved: first every new a, then every new b, `cat`.
:half], x[..., half:] => ::2], x[..., 1::2]
    Each pair is read from neighbors, 2i and 2i + 1: it is number i and i + D/2.
places[:, None] => (places - places[0])[:, None]
    The positions are counted from the first one given: use them as they are.
cos, sin = => sin, cos =
    cos and sin are exchanged: a · cos - b · sin, a · sin + b · cos.
angles.cos(), angles.sin() => angles.deg2rad().cos(), angles.deg2rad().sin()
    The angles are taken for degrees: they are radians.
a * cos - b * sin, a * sin + b * cos => a + sin, b + cos
    Sines are added, as the first Transformer did: rotate each pair.
a * sin + b * cos => b
    Only the first half of the numbers changes: b becomes a · sin + b · cos.
""",
)

rms_norm = Exercise(
    """
def my_rms_norm(x, eps):
    mean_square = x.square().mean(dim=-1, keepdim=True)  # (..., 1)
    return x / (mean_square + eps).sqrt()
""",
    praise="over the root of the mean square of each position, eps inside.",
    cases=[
        Case("[1, 7], eps = 0", args=(tensor([1.0, 7.0]), 0.0)),
        Case("two rows, eps = 0", args=(tensor([[1.0, 7.0], [2.0, 14.0]]), 0.0)),
        Case("a row of zeros, eps = 2", args=(tensor([[0.0, 0, 0], [1, 2, 2]]), 2.0)),
        Case("two texts of three positions, eps = 0.5", args=(numbers(2, 3, 4), 0.5)),
    ],
    mistakes="""
+ x = x - x.mean(dim=-1, keepdim=True)
+ return right(x, eps)
    The mean is subtracted first, which is what LayerNorm does: RMSNorm only divides.
x.square().mean(dim=-1, keepdim=True) => x.var(dim=-1, keepdim=True)
    It is divided by the standard deviation: expected the root of the mean of x².
(mean_square + eps).sqrt() => (mean_square.sqrt() + eps)
    eps is added to the root: it belongs inside, to the mean square.
mean(dim=-1 => mean(dim=-2
    The mean runs over the positions, not over the C numbers of one position: dim=-1.
x.square().mean(dim=-1, keepdim=True) => x.mean(dim=-1, keepdim=True).square()
    This is the square of the mean: expected the mean of the squares.
(mean_square + eps).sqrt() => (x.abs().mean(dim=-1, keepdim=True) + eps)
    It is divided by the mean of |x|: expected the root of the mean of x².
x.square().mean(dim=-1, keepdim=True) => x.var(dim=-1, correction=0, keepdim=True)
    This is the root of the variance, from the mean: square x itself.
""",
)

orthogonalise = Exercise(
    """
def my_orthogonalise(G, steps):
    a, b, c = 3.4445, -4.7750, 2.0315
    X = G / G.norm()
    for _ in range(steps):
        S = X @ X.T  # (R, R)
        X = a * X + b * S @ X + c * S @ S @ X
    return X
""",
    praise="the directions kept, their sizes brought together, by products alone.",
    gradients=False,
    cases=[
        Case("[[3, 0], [0, 4]], one round", args=(tensor([[3.0, 0.0], [0.0, 4.0]]), 1)),
        Case("[[1, 2], [0, 1]], one round", args=(tensor([[1.0, 2.0], [0.0, 1.0]]), 1)),
        Case("three rows of two, five rounds", args=(numbers(3, 2), 5)),
        Case("two rows of three, three rounds", args=(numbers(2, 3), 3)),
    ],
    mistakes="""
norm() => abs().max()
    It is divided by the largest entry: the norm is the root of the sum of squares.
norm() => norm(dim=1, keepdim=True)
    Each row is divided by its own norm: one norm for the whole matrix.
b * S @ X + c * S @ S @ X => b * X**3 + c * X**5
    The powers are taken entry by entry (`X**3`): XXᵀX is a product of matrices, `@`.
S = X @ X.T => S = S if _ else X @ X.T
    S is made once, before the rounds: make it anew from each round's X.
S = X @ X.T => X = X / X.norm(); S = X @ X.T
    The matrix is divided by its norm in every round: once, before the first.
G.norm() => G.square().mean().sqrt()
    It is divided by the root of the mean square: the norm is that of the *sum*.
a, b, c = => a, c, b =
    b and c are exchanged: b = -4.7750 stands before S X.
X = a * X + b * S @ X + c => X = a * X; X = X + b * S @ X; X = X + c
    X is replaced by a X too early: all three terms are made of the old one.
""",
)
