"""The core exercise of 03_multi_head: all heads at once, from one matrix."""

import math
from functools import partial

import torch
import torch.nn.functional as F
from torch import nn

from gptcourse.checks.before.core import Case, Exercise, Mistake
from gptcourse.checks.fixed import layer, numbers
from gptcourse.checks.multi_head import dealt, reshaped, split


def merge(y, B, T, C):
    """(B, H, T, d) -> (B, T, C)"""
    return y.transpose(1, 2).reshape(B, T, C)


def attend(
    x,
    qkv,
    proj,
    n_head,
    *,
    keep=torch.tril,
    d=None,
    dim=-1,
    cut=split,
    join=merge,
    parts=None,
):
    """All heads at once; settings make the mistakes one makes."""
    B, T, C = x.shape
    parts = parts(qkv(x), n_head) if parts else qkv(x).split(C, dim=-1)
    q, k, v = (cut(part, n_head) for part in parts)  # (B, H, T, d) each
    scores = q @ k.transpose(-2, -1) / math.sqrt(d or C // n_head)
    seen = keep(torch.ones(T, T, dtype=torch.bool))  # (T, T)
    y = F.softmax(scores.masked_fill(~seen, -math.inf), dim=dim) @ v
    return proj(join(y, B, T, C))


def no_way_back(y, B, T, C):
    return y.reshape(B, T, C)


def in_turn(y, B, T, C):
    """The heads' channels interleaved."""
    return y.permute(0, 2, 3, 1).reshape(B, T, C)


def added(y, B, T, C):
    return y.sum(1).repeat(1, 1, y.size(1))


def ordered(*order):
    """q, k, v taken from the three parts in another order."""
    return lambda y, n: [y.split(y.size(-1) // 3, dim=-1)[i] for i in order]


def head_by_head(y, n):
    """As if the matrix were ordered head by head: q k v q k v."""
    B, T, _ = y.shape
    parts = y.view(B, T, n, 3, -1).unbind(3)  # 3 × (B, T, H, d)
    return [part.reshape(B, T, -1) for part in parts]


def threes(y, n):
    """As if q, k, v alternated from channel to channel."""
    return y.view(*y.shape[:2], -1, 3).unbind(-1)


def ask_small(answer):
    """Two places, two heads of width 1; head 0 carries 1s, head 1 carries 10s."""
    qkv, proj = nn.Linear(2, 6, bias=False), nn.Identity()
    columns = [[1, -1, 0.5, 0.5, 1, 10], [2, 1, -0.5, 1.5, 2, 20]]
    with torch.no_grad():
        qkv.weight.copy_(torch.tensor(columns).T)
    return answer(torch.eye(2)[None], qkv, proj, 2)


def ask(B: int, T: int, C: int, H: int):
    def probe(answer):
        qkv, proj = layer(C, 3 * C, 50), layer(C, C, 1000)
        return answer(numbers(B, T, C), qkv, proj, H)

    return probe


def sized(by):
    """Scores divided by the root of by(C, H)."""
    return lambda x, qkv, proj, n: attend(x, qkv, proj, n, d=by(x.size(-1), n))


many_heads = Exercise(
    "many_heads",
    right=attend,
    cases=[
        Case(
            "two places, two heads; values 1, 2 in head 0 and 10, 20 in head 1",
            ask_small,
        ),
        Case("two places, two heads, C = 4", ask(1, 2, 4, 2)),
        Case("two texts of three places, C = 8, two heads", ask(2, 3, 8, 2)),
        Case("three texts of four places, C = 6, three heads", ask(3, 4, 6, 3)),
    ],
    mistakes=[
        Mistake(
            "no mask",
            "The mask is missing: places take from the future.",
            partial(attend, keep=torch.clone),
        ),
        Mistake(
            "mask the wrong way round",
            "The mask is the wrong way round: each place sees itself and the future. "
            "Keep the lower triangle.",
            partial(attend, keep=torch.triu),
        ),
        Mistake(
            "own place masked",
            "The mask hides the diagonal, too: a place may look at itself, and the "
            "first has nothing else, so that its softmax is NaN.",
            partial(attend, keep=partial(torch.tril, diagonal=-1)),
        ),
        Mistake(
            "the classic mistake",
            "This is the classic mistake: view straight to (B, H, T, d) cuts the "
            "*time* into heads. View (B, T, H, d), then transpose.",
            partial(attend, cut=reshaped),
        ),
        Mistake(
            "twice the classic mistake",
            "The classic mistake twice, in and back: time is cut into heads that "
            "cannot see one another. View (B, T, H, d), then transpose; back again, "
            "transpose first.",
            partial(attend, cut=reshaped, join=no_way_back),
        ),
        Mistake(
            "not transposed back",
            "The way back lacks a transpose: (B, H, T, d) must become (B, T, H, d) "
            "before H and d are read as C.",
            partial(attend, join=no_way_back),
        ),
        Mistake(
            "interleaved on the way back",
            "On the way back the heads' channels are interleaved: channels 0 to "
            "d - 1 are head 0's. Transpose axes 1 and 2 only.",
            partial(attend, join=in_turn),
        ),
        Mistake(
            "channels dealt out in turn",
            "The channels are dealt out to the heads in turn: head 0 is to get the "
            "first d, so view (B, T, H, d), not (B, T, d, H).",
            partial(attend, cut=dealt),
        ),
        Mistake(
            "one wide head",
            "This is one head of width C: the heads' scores must be computed apart, "
            "each from d channels.",
            lambda x, qkv, proj, n: attend(x, qkv, proj, 1),
        ),
        Mistake(
            "scaled by C",
            "The scores are divided by the root of C: each head's product sums over "
            "d = C / n_head numbers only, so the root of d.",
            sized(lambda C, n: C),
        ),
        Mistake(
            "not scaled",
            "The scores are not scaled: divide them by the root of d = C / n_head.",
            sized(lambda C, n: 1),
        ),
        Mistake(
            "divided by d",
            "The scores are divided by d: expected its square root.",
            sized(lambda C, n: (C // n) ** 2),
        ),
        Mistake(
            "scaled by the number of heads",
            "The scores are divided by the root of n_head: expected the root of "
            "d = C / n_head.",
            sized(lambda C, n: n),
        ),
        Mistake(
            "keys and queries swapped",
            "Queries and keys have changed places: qkv(x) holds queries, keys, "
            "values, in this order.",
            partial(attend, parts=ordered(1, 0, 2)),
        ),
        Mistake(
            "values taken for keys",
            "Keys and values have changed places: qkv(x) holds queries, keys, "
            "values, in this order.",
            partial(attend, parts=ordered(0, 2, 1)),
        ),
        Mistake(
            "values first",
            "qkv(x) is read from the back, values first: it holds queries, keys, "
            "values, in this order.",
            partial(attend, parts=ordered(2, 1, 0)),
        ),
        Mistake(
            "head by head",
            "qkv(x) is read head by head, q k v q k v: it holds the queries of all "
            "heads, then all keys, then all values.",
            partial(attend, parts=head_by_head),
        ),
        Mistake(
            "every third channel",
            "Every third channel is taken for the queries: the first C are queries, "
            "the next C keys, the last C values.",
            partial(attend, parts=threes),
        ),
        Mistake(
            "softmax over the wrong dimension",
            "The softmax runs over the wrong dimension, the places that ask: the "
            "weights of one place, a row, must sum to one, so dim=-1.",
            partial(attend, dim=-2),
        ),
        Mistake(
            "softmax over the heads",
            "The softmax runs over the heads: expected dim=-1, the places that are "
            "looked at.",
            partial(attend, dim=1),
        ),
        Mistake(
            "heads added up",
            "The heads are added up, so that none can be told from the others: set "
            "them side by side.",
            partial(attend, join=added),
        ),
        Mistake(
            "not mixed",
            "The projection is missing: proj comes last.",
            lambda x, qkv, proj, n: attend(x, qkv, nn.Identity(), n),
        ),
        Mistake(
            "x added",
            "x is added to the result: that comes in the next notebook, outside of "
            "this layer.",
            lambda x, qkv, proj, n: x + attend(x, qkv, proj, n),
        ),
        Mistake(
            "not merged",
            "The heads are still apart, (B, H, T, d): set their outputs side by side "
            "and mix them with proj.",
            lambda x, qkv, proj, n: attend(
                x, qkv, nn.Identity(), n, join=lambda y, B, T, C: y
            ),
        ),
    ],
    praise="every head attends to its past on its own channels; proj mixes them.",
)
