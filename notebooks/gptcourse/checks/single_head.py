"""Exercises of 02_single_head: look back, and only back."""

import math
from functools import partial

import torch
import torch.nn.functional as F
from torch import nn

from gptcourse.checks.core import Case, Exercise, Mistake
from gptcourse.checks.fixed import layer, numbers


def average(x, *, of="past", divide=True, lag=0):
    """Mean of each place's past; of and divide make mistakes."""
    T = x.size(1)
    w = torch.ones(T, T)
    w = {"past": w.tril(-lag), "future": w.triu(), "all": w}[of]
    return (w / w.sum(1, keepdim=True) if divide else w) @ x


def ask_average(*shape):
    return lambda answer: answer(numbers(*shape))


def _one_text(*values):
    return torch.tensor(values).view(1, -1, 1)


past_average = Exercise(
    "past_average",
    right=average,
    cases=[
        Case(
            "the means of 1, 3, 8 (one text, C = 1)",
            lambda answer: answer(_one_text(1.0, 3.0, 8.0)),
        ),
        Case("two texts of four places, C = 3", ask_average(2, 4, 3)),
        Case("three texts of three places, C = 3", ask_average(3, 3, 3)),
    ],
    mistakes=[
        Mistake(
            "own place left out",
            "The own place is left out: the mean at t runs over all places up to and "
            "including t, and the first place is its own mean.",
            partial(average, lag=1),
        ),
        Mistake(
            "own place left out, zero first",
            "The own place is left out, and the first gets zero: the mean at t runs "
            "over all places up to and including t.",
            lambda x: average(x, lag=1).nan_to_num(0.0),
        ),
        Mistake(
            "divided by T",
            "Every sum is divided by T, the whole length: the mean at t (from 0) is "
            "over t + 1 vectors.",
            lambda x: x.cumsum(1) / x.size(1),
        ),
        Mistake(
            "divided by t",
            "The sum at t is divided by t, counted from 0: it has t + 1 terms.",
            lambda x: x.cumsum(1) / torch.arange(x.size(1)).view(-1, 1),
        ),
        Mistake(
            "a sum",
            "These are the sums; a mean divides each by the number of its terms.",
            partial(average, divide=False),
        ),
        Mistake(
            "mean of everything",
            "Every place gets the mean of the whole text: the future is in it.",
            partial(average, of="all"),
        ),
        Mistake(
            "mean over T returned",
            "This is one mean for the whole text: expected one for each place.",
            lambda x: x.mean(1),
        ),
        Mistake(
            "mean of the future",
            "This averages the future: place t takes from t and what comes after it.",
            partial(average, of="future"),
        ),
        Mistake(
            "over the texts",
            "The sums run over the texts of the batch: places are axis 1.",
            lambda x: x.cumsum(0) / torch.arange(1, len(x) + 1).view(-1, 1, 1),
        ),
        Mistake(
            "over the channels",
            "The sums run over the channels, the last axis: places are axis 1.",
            lambda x: x.cumsum(2) / torch.arange(1, x.size(2) + 1),
        ),
        Mistake(
            "running average of two",
            "This averages the last mean and the new vector, half and half, so that "
            "old places fade: all places up to t count the same.",
            lambda x: _half_and_half(x),
        ),
    ],
    praise="place t is the mean of places 0 to t, for every text and channel.",
)


def _half_and_half(x):
    rows = [x[:, 0]]
    for t in range(1, x.size(1)):
        rows.append((rows[-1] + x[:, t]) / 2)
    return torch.stack(rows, 1)


class OneHot(nn.Module):
    """Values that make the output of a head show its weights."""

    def forward(self, x):
        return torch.eye(x.size(1)).expand(x.size(0), -1, -1)


def ask_weights(answer):
    """Two places whose values are (1, 0) and (0, 1): the output is the weights."""
    x = numbers(1, 2, 3, size=1.0)
    return answer(x, layer(3, 4, 100), layer(3, 4, 214), OneHot())


def ask_head(B: int, T: int, C: int, d: int):
    """A probe: fixed inputs and layers of this size, what does the head give?"""

    def probe(answer):
        layers = [layer(C, d, start=100 * n) for n in (1, 2, 3)]
        return answer(numbers(B, T, C), *layers)

    return probe


def head(x, query, key, value, *, scale=None, keep=torch.tril, dim=-1, after=False):
    """The head, and with other settings the mistakes one makes in it."""
    T = x.size(1)
    q, k, v = query(x), key(x), value(x)  # (B, T, d) each
    scores = q @ k.transpose(1, 2)  # (B, T, T)
    scores = scores / math.sqrt(q.size(-1)) if scale is None else scores * scale
    seen = keep(torch.ones(T, T, dtype=torch.bool))  # (T, T)
    if after:
        return (F.softmax(scores, dim) * seen) @ v
    return F.softmax(scores.masked_fill(~seen, -math.inf), dim) @ v


def scaled(by):
    """A head whose scores are multiplied by by(x, q)."""
    return lambda x, query, key, value: head(
        x, query, key, value, scale=by(x, query(x))
    )


def no_softmax(x, query, key, value):
    q, k, v = query(x), key(x), value(x)
    return (q @ k.transpose(1, 2) / math.sqrt(q.size(-1))).tril() @ v


def zero_scores(x, query, key, value):
    q, k, v = query(x), key(x), value(x)
    scores = (q @ k.transpose(1, 2) / math.sqrt(q.size(-1))).tril()
    return F.softmax(scores, dim=-1) @ v


def reshaped(x, query, key, value):
    q, k, v = query(x), key(x), value(x)
    scores = q @ k.reshape(k.size(0), k.size(2), k.size(1)) / math.sqrt(q.size(-1))
    past = torch.ones_like(scores, dtype=torch.bool).tril()
    return F.softmax(scores.masked_fill(~past, -math.inf), dim=-1) @ v


def weights_only(x, query, key, value):
    return head(x, query, key, OneHot())


causal_head = Exercise(
    "causal_head",
    right=head,
    cases=[
        Case(
            "two places, values (1, 0) and (0, 1): these are the weights", ask_weights
        ),
        Case("two texts of four places, C = 3, d = 2", ask_head(2, 4, 3, 2)),
        Case("three texts of five places, C = 8, d = 4", ask_head(3, 5, 8, 4)),
    ],
    mistakes=[
        Mistake(
            "no mask",
            "The mask is missing: the first place takes from the second, which for "
            "it is the future. Set the scores above the diagonal to -inf.",
            partial(head, keep=torch.clone),
        ),
        Mistake(
            "mask the wrong way round",
            "The mask is the wrong way round: each place sees itself and the future, "
            "not the past. Rows ask, columns answer: keep the lower triangle.",
            partial(head, keep=torch.triu),
        ),
        Mistake(
            "mask not negated",
            "The mask hides what it should keep: the past and the place itself are "
            "hidden, the future is seen. masked_fill fills where the mask is True.",
            partial(head, keep=partial(torch.triu, diagonal=1)),
        ),
        Mistake(
            "own place masked",
            "The mask hides the diagonal, too: a place may look at itself, and the "
            "first one has nothing else, so that its softmax is NaN.",
            partial(head, keep=partial(torch.tril, diagonal=-1)),
        ),
        Mistake(
            "mask after the softmax",
            "The mask comes after the softmax: the rows no longer sum to one, and "
            "the future still counts in the sum they were divided by.",
            partial(head, after=True),
        ),
        Mistake(
            "scores of the future zero",
            "The scores of the future are 0 instead of -inf: after the softmax, "
            "e^0 = 1 still gives them weight.",
            zero_scores,
        ),
        Mistake(
            "not scaled",
            "The scores are not scaled: divide them by the square root of d, the "
            "width of the queries.",
            partial(head, scale=1.0),
        ),
        Mistake(
            "scaled by C",
            "The scores are divided by the root of C, the width of x: expected the "
            "root of d, the width of the queries, over which the product sums.",
            scaled(lambda x, q: x.size(-1) ** -0.5),
        ),
        Mistake(
            "scaled by T",
            "The scores are divided by the root of T, the number of places: expected "
            "the root of d, the width of the queries.",
            scaled(lambda x, q: x.size(1) ** -0.5),
        ),
        Mistake(
            "divided by d",
            "The scores are divided by d: expected its square root.",
            scaled(lambda x, q: 1 / q.size(-1)),
        ),
        Mistake(
            "multiplied by the root",
            "The scores are multiplied by the root of d: expected a division.",
            scaled(lambda x, q: q.size(-1) ** 0.5),
        ),
        Mistake(
            "weights divided",
            "The division by the root of d comes after the softmax: the weights are "
            "divided and no longer sum to one. Divide the scores.",
            lambda x, query, key, value: (
                head(x, query, key, value, scale=1.0) / math.sqrt(query(x).size(-1))
            ),
        ),
        Mistake(
            "softmax over the wrong dimension",
            "The softmax runs over the wrong dimension, the places that ask: the "
            "weights of one place, a row, must sum to one, so dim=-1.",
            partial(head, dim=1),
        ),
        Mistake(
            "softmax over the batch",
            "The softmax runs over dimension 0, the texts of the batch, which have "
            "nothing to do with each other: expected dim=-1.",
            partial(head, dim=0),
        ),
        Mistake(
            "no softmax",
            "The softmax is missing: the weights of a place must be positive and sum "
            "to one.",
            no_softmax,
        ),
        Mistake(
            "queries and keys swapped",
            "Queries and keys have changed places: row t of the scores belongs to "
            "the query of place t, so Q times the transposed K.",
            lambda x, query, key, value: head(x, key, query, value),
        ),
        Mistake(
            "view instead of transpose",
            "The keys were reshaped where a transpose is needed: view and reshape "
            "cut the numbers in another order; k.transpose(1, 2) swaps the axes.",
            reshaped,
        ),
        Mistake(
            "keys handed over",
            "The keys are averaged, not the values: the last product is with value(x).",
            lambda x, query, key, value: head(x, query, key, key),
        ),
        Mistake(
            "x handed over",
            "x itself is averaged: the last product is with value(x).",
            lambda x, query, key, value: head(x, query, key, nn.Identity()),
        ),
        Mistake(
            "weights returned",
            "These are the weights: one step is left, their product with value(x).",
            weights_only,
        ),
    ],
    praise="each place averages values of its past and itself, weighed by q·k / √d.",
)
