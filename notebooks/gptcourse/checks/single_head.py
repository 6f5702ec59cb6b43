"""Exercises of 02_single_head: look back, and only back; a vector per position."""

import torch
import torch.nn.functional as F
from torch import nn, tensor

from gptcourse.checks.core import Case, Exercise
from gptcourse.checks.fixed import layer, linear, numbers
from gptcourse.checks.values import number

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
        Case("two texts of four positions, C = 3, d = 2", args=head_of(2, 4, 3, 2)),
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


def ahead(x, by=1):
    """What stands `by` positions ahead, or behind; zeros beyond the ends."""
    return F.pad(x, (0, 0, 9, 9))[:, 9 + by : 9 + by + x.size(1)]


def only(to, source):
    """A layer in which position `to` takes from `source`, and nothing else."""
    return lambda x: (
        x + (torch.arange(x.size(1)) == to)[:, None] * ahead(x, source - to)
    )


LAYERS = {
    "x itself": lambda x: x * 1.0,
    "each position takes from the next one": lambda x: x + ahead(x),
    "each position takes the one before": lambda x: ahead(x, -1),
    "two channels, sums of the past": lambda x: x.cumsum(1)[..., :2],
    "each position is multiplied by the next one": lambda x: x * ahead(x),
    **{
        f"position {t} (from 0) takes from {s}, and nothing else": only(t, s)
        for t, s in ((0, 2), (0, 1), (3, 4), (1, 2), (0, 4))
    },
    "only in the second text": lambda x: (
        x + torch.arange(len(x))[:, None, None] * ahead(x)
    ),
    "one hundredth of two positions ahead": lambda x: x + 0.01 * ahead(x, 2),
    "less than the future": lambda x: x - ahead(x),
    "the last channel from the next one": lambda x: x + ahead(x) * tensor([0, 0, 1]),
    # As behind a LayerNorm: blind to an offset of a whole vector.
    "each takes the next one's differences": lambda x: x + ahead(x - x.roll(1, -1)),
}

# In eighths, so that an offset leaves the differences exactly as they are.
EIGHTHS = (8 * numbers(2, 5, 3)).round() / 8

sees_future = Exercise(
    """
def my_test(layer, x):
    before = layer(x)  # (B, T, D)
    for s in range(1, x.size(1)):
        changed = x.clone()  # (B, T, C)
        changed[:, s] += torch.randn_like(changed[:, s])
        if (layer(changed)[:, :s] != before[:, :s]).any():
            return True
    return False
""",
    praise="True if any output moves when a later position changes, else False.",
    result=number,
    cases=[
        *(Case(f"layer: {k}", args=(f, EIGHTHS)) for k, f in LAYERS.items()),
        Case("a text of one position", args=(LAYERS["x itself"], numbers(2, 1, 3))),
    ],
    mistakes="""
return True => return False
    It says no to every layer: change a clone of x and compare the outputs before it.
+ return True
    It says yes to every layer: only the outputs before the change must stay.
[:, :s] != before[:, :s] => [:, : s + 1] != before[:, : s + 1]
    It compares the changed position's own output, too: take [:, :s].
[:, :s] != before[:, :s] => [:, s + 1 :] != before[:, s + 1 :]
    It looks at the positions after the changed one: take those before it.
-         if (layer(changed)[:, :s] != before[:, :s]).any():
-             return True
-     return False
+         return (layer(changed)[:, :s] != before[:, :s]).any()
    It returns after the first position that it changes: go on if none has moved.
changed = x.clone() => changed = x
    The changes pile up in x: begin each time with a clone of x.
range(1, x.size(1)) => range(2, x.size(1))
    Position 1 is never changed: position 0 may look at it alone.
range(1, x.size(1)) => [x.size(1) - 1]
    It changes the last position only: change every position in turn.
range(1, x.size(1)) => range(1, x.size(1) - 1)
    The last position is never changed: a layer may look at it alone.
[:, :s] != before[:, :s] => [:, s - 1] != before[:, s - 1]
    It compares only the position right before the change: compare all before it.
torch.randn_like(changed[:, s]) => 1.0
    All numbers of a vector move by the same amount, which a layer that begins with a
    LayerNorm does not see: change them by different amounts.
.any() => .all()
    It asks whether *every* earlier output moves: one that moves is enough.
range(1, x.size(1)) => range(x.size(1))
[:, :s] != before[:, :s] => [:, : s + 1] != before[:, : s + 1]
    The output at the changed position is compared, too: only those before it must stay.
range(1, x.size(1)) => [1]
- changed[:, s] += torch.randn_like(changed[:, s])
+ changed[:, s:] += torch.randn_like(changed[:, s:])
    Only the output at position 0 decides: compare all (or does it return too early?).
""",
)


def ids_and_tables(idx, V: int, longest: int, C: int):
    """Token vectors 20, 40, …, position vectors 1, 2, …, and .0, .1, … on top."""
    tokens = torch.arange(20.0, 20 * V + 1, 20)[:, None].expand(V, C)
    places = torch.arange(1.0, longest + 1)[:, None] + torch.arange(C) / 10
    return lambda: (
        tensor(idx),
        *(nn.Embedding.from_pretrained(w.clone(), False) for w in (tokens, places)),
    )


place_vectors = Exercise(
    """
def my_vectors(idx, tokens, places):
    T = idx.size(1)
    return tokens(idx) + places(torch.arange(T))  # (B, T, C)
""",
    praise="each vector is its token's plus its position's, the same in every text.",
    cases=[
        Case(f"ids {ids}, window of {sizes[1]}{more}", args=ids_and_tables(ids, *sizes))
        for ids, sizes, more in (
            ([[2, 0, 0]], (3, 3, 2), "; tokens 20, 40, 60, positions 1, 2, 3"),
            ([[1]], (3, 2, 2), ""),
            ([[1, 3, 3], [0, 0, 2]], (4, 5, 4), ""),
        )
    ],
    mistakes="""
torch.arange(T) => idx
    The table of positions is looked up with the token ids: take 0, 1, 2, …
places(torch.arange(T)) => places(torch.arange(len(idx)))[:, None]
    The positions are numbered along the batch: number them along axis 1.
places(torch.arange(T)) => places.weight[0]
    Every character gets the vector of position 0: look up 0, 1, 2, …
places(torch.arange(T)) => places.weight[-T:]
    These are the last rows of the table of positions: a text begins at row 0.
torch.arange(T) => torch.arange(1, T + 1)
    The positions are counted from 1: the first character has position 0.
""",
)
