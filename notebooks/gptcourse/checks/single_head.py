"""Exercises of 02_single_head: look back, and only back."""

import torch
from torch import tensor

from gptcourse.checks.core import Case, Exercise
from gptcourse.checks.fixed import layer, linear, numbers

past_average = Exercise(
    """
def my_average(x):
    T = x.size(1)
    w = torch.ones(T, T).tril()  # (T, T)
    w = w / w.sum(dim=1, keepdim=True)  # (T, T)
    return w @ x  # (B, T, C)
""",
    praise="position t is the mean of positions 0 to t, for every text and channel.",
    cases=[
        Case("the means of 1, 3, 8", args=(tensor([[[1.0], [3.0], [8.0]]]),)),
        Case("one text of one position, C = 3", args=(numbers(1, 1, 3),)),
        Case("two texts of four positions, C = 3", args=(numbers(2, 4, 3),)),
    ],
    mistakes="""
tril() => tril(-1)
    The position itself is left out: the mean at t includes position t.
w.sum(dim=1, keepdim=True) => T
    Every sum is divided by T: the mean at t (from 0) is over t + 1 vectors.
w.sum(dim=1, keepdim=True) => torch.arange(T)[:, None]
    The sum at t is divided by t, counted from 0: it has t + 1 terms.
+ return right(x.transpose(1, 2)).transpose(1, 2)
    The sums run over the channels, the last axis: positions are axis 1.
w.sum(dim=1, keepdim=True) => torch.arange(T).clamp(min=1)[:, None]
    From position 1 on the sum at t is divided by t: it has t + 1 terms.
+ means = [x[:, 0]]
+ for t in range(1, x.size(1)): means.append((means[-1] + x[:, t]) / 2)
+ return torch.stack(means, 1)
    The newest vector counts half, older ones less and less: all t + 1 count alike.
""",
)


def shown_weights():
    """Arguments of a head with values (1, 0) and (0, 1): the result is its weights."""
    x = numbers(1, 2, 3, size=1.0)
    value = linear(torch.linalg.pinv(x[0]).T)
    return x, layer(3, 2, 0), layer(3, 2, 92), value


def head_of(B: int, T: int, C: int, d: int, size: float = 2.0):
    """Arguments of a head: input up to ± size, and three layers."""
    x = numbers(B, T, C, size=size)
    return lambda: (x, *(layer(C, d, start=100 * n) for n in (1, 2, 3)))


causal_head = Exercise(
    """
def my_head(x, query, key, value):
    T = x.size(1)
    q, k, v = query(x), key(x), value(x)  # (B, T, d) each
    scores = q @ k.transpose(1, 2) / math.sqrt(q.size(-1))  # (B, T, T)
    past = torch.ones(T, T, dtype=torch.bool).tril()  # (T, T)
    scores = scores.masked_fill(~past, -math.inf)  # (B, T, T)
    return F.softmax(scores, dim=-1) @ v  # (B, T, d)
""",
    praise="each position averages values of its past and itself, weighed by q·k / √d.",
    cases=[
        Case("values (1, 0) and (0, 1): these are the weights", args=shown_weights),
        Case("one text of one position, C = 3, d = 2", args=head_of(1, 1, 3, 2)),
        Case("large scores, C = 3, d = 2", args=head_of(2, 4, 3, 2, 12.0), large=True),
        Case("three texts of five positions, C = 8, d = 4", args=head_of(3, 5, 8, 4)),
    ],
    mistakes="""
masked_fill(~past, -math.inf) => clone()
    The mask is missing: set the scores above the diagonal, the future, to -inf.
tril => triu
    The mask is the wrong way round: rows ask, so keep the lower triangle.
~past => past
    The mask hides the past: masked_fill fills where the mask is True.
tril() => tril(-1)
    The mask hides the diagonal, too: a position may look at itself.
scores.masked_fill(~past, -math.inf) => F.softmax(scores, dim=-1)
F.softmax(scores, dim=-1) @ v => (scores * past) @ v
    The mask comes after the softmax: the rows no longer sum to one.
-math.inf => 0.0
    The scores of the future are 0 instead of -inf: e^0 = 1 still gives them weight.
/ math.sqrt(q.size(-1)) =>
    The scores are not scaled: divide them by √d, d the width of the queries.
/ math.sqrt(q.size(-1)) =>
dim=-1) @ v => dim=-1) / math.sqrt(q.size(-1)) @ v
    √d divides the weights: divide the scores by it, before the softmax.
@ v => @ v + v
    The own value is added once more: the weighted mean is the whole result.
query(x), key(x), value(x) => (x @ f.weight.T for f in (query, key, value))
    The biases are left out: call the layers, as in query(x).
-math.inf => 0.0
F.softmax(scores, dim=-1) => scores
    The softmax is missing: the weights of a position must be positive and sum to one.
transpose(1, 2) => reshape(len(k), -1, T)
    The keys were reshaped, which mixes their numbers: use k.transpose(1, 2).
tril() => tril(-1)
-math.inf => -1e9
    The mask hides each position from itself: then position 0 has nothing to look at.
""",
)
