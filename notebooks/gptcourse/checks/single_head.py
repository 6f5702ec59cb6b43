"""Exercises of 02_single_head: look back, and only back."""

import torch
from torch import tensor

from gptcourse.checks.core import Case, Exercise
from gptcourse.checks.fixed import layer, linear, numbers

past_average = Exercise(
    "past_average",
    """
def my_average(x):
    T = x.size(1)
    w = torch.ones(T, T).tril()  # (T, T)
    w = w / w.sum(dim=1, keepdim=True)  # (T, T)
    return w @ x  # (B, T, C)
""",
    praise="position t is the mean of positions 0 to t, for every text and channel.",
    cases=[
        Case(
            "the means of 1, 3, 8 (one text, C = 1)",
            args=(tensor([[[1.0], [3.0], [8.0]]]),),
        ),
        Case("one text of one position, C = 3", args=(numbers(1, 1, 3),)),
        Case("three texts of three positions, C = 3", args=(numbers(3, 3, 3),)),
        Case("two texts of four positions, C = 3", args=(numbers(2, 4, 3),)),
    ],
    mistakes="""
tril() => tril(-1)
    The position itself is left out: the mean at t runs over all positions up to and
    including t, and the first one is its own mean.
tril() => tril(-1)
w @ x => w.nan_to_num(0.0) @ x
    The position itself is left out, and the first gets zero: the mean at t runs over
    all positions up to and including t.
w.sum(dim=1, keepdim=True) => T
    Every sum is divided by T, the whole length: the mean at t (from 0) is over t + 1
    vectors.
w.sum(dim=1, keepdim=True) => torch.arange(T)[:, None]
    The sum at t is divided by t, counted from 0: it has t + 1 terms.
dim=1 => dim=0
    The weights are divided by the sums of their columns: the weights of one mean are a
    row, and must sum to one, dim=1.
w / w.sum(dim=1, keepdim=True) => w
    These are the sums; a mean divides each by the number of its terms.
.tril() =>
    Every position gets the mean of the whole text: the future is in it.
tril => triu
    This averages the future: position t takes from t and what comes after it.
+ return right(x.transpose(1, 2)).transpose(1, 2)
    The sums run over the channels, the last axis: positions are axis 1.
+ rows = [x[:, 0]]
+ for t in range(1, x.size(1)):
+     rows.append((rows[-1] + x[:, t]) / 2)
+ return torch.stack(rows, 1)
    This averages the last mean and the new vector, half and half, so that old positions
    fade: all positions up to t count the same.
""",
)


def shown_weights():
    """Arguments of a head with values (1, 0) and (0, 1): the result is its weights."""
    x = numbers(1, 2, 3, size=1.0)
    value = linear(torch.linalg.pinv(x[0]).T)
    return x, layer(3, 4, 100), layer(3, 4, 214), value


def head_of(B: int, T: int, C: int, d: int, add: float = 0.0):
    """Arguments of a head: fixed input and layers; add: to the biases of the keys."""

    def make():
        query, key, value = (layer(C, d, start=100 * n) for n in (1, 2, 3))
        key.bias.data += add
        return numbers(B, T, C), query, key, value

    return make


causal_head = Exercise(
    "causal_head",
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
        Case(
            "two positions, values (1, 0) and (0, 1): these are the weights",
            args=shown_weights,
        ),
        Case("one text of one position, C = 3, d = 2", args=head_of(1, 1, 3, 2)),
        Case("two texts of four positions, C = 3, d = 2", args=head_of(2, 4, 3, 2)),
        Case("large scores, C = 3, d = 2", args=head_of(2, 4, 3, 2, 25.0), large=True),
        Case("three texts of five positions, C = 8, d = 4", args=head_of(3, 5, 8, 4)),
    ],
    mistakes="""
masked_fill(~past, -math.inf) => clone()
    The mask is missing: the first position takes from the second, which for it is the
    future. Set the scores above the diagonal to -inf.
tril => triu
    The mask is the wrong way round: each position sees itself and the future, not the
    past. Rows ask, columns answer: keep the lower triangle.
~past => past
    The mask hides what it should keep: the past and the position itself are hidden, the
    future is seen. masked_fill fills where the mask is True.
tril() => tril(-1)
    The mask hides the diagonal, too: a position may look at itself, and the first one
    has nothing else, so that its softmax is NaN.
scores.masked_fill(~past, -math.inf) => F.softmax(scores, dim=-1)
F.softmax(scores, dim=-1) @ v => (scores * past) @ v
    The mask comes after the softmax: the rows no longer sum to one, and the future
    still counts in the sum they were divided by.
-math.inf => 0.0
    The scores of the future are 0 instead of -inf: after the softmax, e^0 = 1 still
    gives them weight.
/ math.sqrt(q.size(-1)) =>
    The scores are not scaled: divide them by the square root of d, the width of the
    queries.
q.size(-1) => x.size(-1)
    The scores are divided by the root of C, the width of x: divide by the root of d,
    the width of the queries, over which the product sums.
q.size(-1) => T
    The scores are divided by the root of T, the number of positions: divide by the root
    of d, the width of the queries.
math.sqrt(q.size(-1)) => q.size(-1)
    The scores are divided by d: divide by its square root.
/ math => * math
    The scores are multiplied by the root of d: divide by it.
/ math.sqrt(q.size(-1)) =>
@ v => @ v / math.sqrt(q.size(-1))
    The division by the root of d comes after the softmax: the weights are divided and
    no longer sum to one. Divide the scores.
dim=-1 => dim=1
    The softmax runs over the wrong dimension, the positions that ask: the weights of
    one position, a row, must sum to one, so dim=-1.
q.size(-1) => 4
    The scores are always divided by the root of 4: use the d that comes in.
-math.inf => 0.0
F.softmax(scores, dim=-1) => scores
    The softmax is missing: the weights of a position must be positive and sum to one.
transpose(1, 2) => reshape(len(k), -1, T)
    The keys were reshaped where a transpose is needed: view and reshape cut the numbers
    in another order; k.transpose(1, 2) swaps the axes.
@ v => @ k
    The keys are averaged, not the values: the last product is with value(x).
@ v => @ x
    x itself is averaged: the last product is with value(x).
@ v =>
    These are the weights: one step is left, their product with value(x).
""",
)
