"""More exercises of 02_single_head: who sees the future, and a vector per position."""

import torch
import torch.nn.functional as F
from torch import nn, tensor

from gptcourse.checks.core import Case, Exercise
from gptcourse.checks.fixed import numbers
from gptcourse.checks.values import number


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
        for t, s in ((0, 2), (0, 1), (3, 4), (1, 2))
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
    """Token vectors 100, 200, …, position vectors 1, 2, …, and .0, .1, … on top."""
    tokens = torch.arange(100.0, 100 * V + 1, 100)[:, None].expand(V, C)
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
            ([[2, 0, 0]], (3, 3, 2), "; tokens 100, 200, 300, positions 1, 2, 3"),
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
