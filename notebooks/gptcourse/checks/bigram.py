"""Exercises of 01_bigram: count pairs, draw the next character, cut windows."""

from torch import Tensor, tensor

from gptcourse.checks.core import Case, Exercise
from gptcourse.checks.values import number


def as_floats(counts):
    """Counts of any type: integers and floats are as good."""
    return counts.double() if isinstance(counts, Tensor) else counts


pair_counts = Exercise(
    "pair_counts",
    """
def my_counts(tokens, V):
    now, following = tokens[:-1], tokens[1:]  # (N - 1,) each
    pairs = now * V + following  # (N - 1,)
    return torch.bincount(pairs, minlength=V * V).view(V, V)
""",
    praise="row x, column y counts how often y comes right after x.",
    result=as_floats,
    cases=[
        Case("tokens 0 1 0 1 1, V = 2", args=(tensor([0, 1, 0, 1, 1]), 2)),
        Case("tokens 0 2 1 2 2 0 2, V = 4", args=(tensor([0, 2, 1, 2, 2, 0, 2]), 4)),
        Case(
            "tokens 1 3 3 3 0 1 0 3, V = 4", args=(tensor([1, 3, 3, 3, 0, 1, 0, 3]), 4)
        ),
        Case("300 zeros, then a one, V = 2", args=(tensor([0] * 300 + [1]), 2)),
        Case("a single token, 2, V = 3", args=(tensor([2]), 3)),
    ],
    mistakes="""
now * V + following => following * V + now
    Rows and columns are swapped: row x, column y counts how often y comes right after
    x.
+ counts = torch.zeros(V, V, dtype=torch.long)
+ counts[tokens[:-1], tokens[1:]] += 1
+ return counts
    A pair that occurs twice is counted once: counts[x, y] += 1 with tensors of indices
    adds once for equal indices. Use bincount or index_put_(…, accumulate=True).
tokens[:-1], tokens[1:] => tokens, tokens.roll(-1)
    The last token is counted as if the first came after it: N tokens have N - 1 pairs.
tokens[:-1], tokens[1:] => tokens[:-2], tokens[2:]
    These pairs are two apart: pair each token with its direct neighbor, tokens[:-1]
    with tokens[1:].
tokens[:-1], tokens[1:] => tokens[:-1:2], tokens[1::2]
    Every second pair is left out: pairs overlap, each token but the last begins one.
+ return right(tokens, V) + right(tokens, V).T
    Each pair is counted both ways, so that the table is symmetric: count only what
    comes after.
tokens[:-1], tokens[1:] => tokens[:-2], tokens[1:-1]
    The last pair is missing.
tokens[:-1], tokens[1:] => tokens[1:-1], tokens[2:]
    The first pair is missing.
view(V, V) => view(V, V).to(torch.uint8)
    8 bits hold at most 255, then counts begin again at 0: use torch.long.
+ counts = right(tokens, V)
+ return counts / counts.sum(1, keepdim=True).clamp(min=1)
    These are fractions of each row: return the plain counts.
+ return torch.bincount(tokens, minlength=V)
    This counts single tokens: return a table (V, V), for pairs.
- def my_counts(tokens, V):
+ def my_counts(tokens, V):
+     V = int(tokens.max()) + 1
    The table holds only the tokens that occur here: it must be (V, V) whatever the
    text.
, minlength=V * V =>
    bincount stops at the largest pair that occurs: minlength=V * V makes it count all.
""",
)


draw_next = Exercise(
    "draw_next",
    """
def my_draw(logits, u):
    ends = F.softmax(logits, dim=-1).cumsum(0)  # (V,)
    return torch.searchsorted(ends, torch.tensor(u))  # ()
""",
    praise="the longer an id's piece, the more points u fall into it.",
    result=number,
    cases=[
        Case(f"p = {p}, u = {u}{more}", args=(tensor(p).log() + add, u), large=add > 99)
        for p, points, add, more in (
            ([0.2, 0.5, 0.3], (0.1, 0.6, 0.9), 0.0, ""),
            ([0.2, 0.5, 0.3], (0.15, 0.25, 0.65, 0.75), 3.0, ", logits ln p + 3"),
            ([0.1, 0.1, 0.7, 0.1], (0.05, 0.15, 0.25, 0.75, 0.95), 0.0, ""),
            ([0.3, 0.0, 0.4, 0.3], (0.29, 0.31), 500.0, ", logits ln p + 500"),
            ([0.05, 0.15, 0.8], (0.0, 0.999), 0.0, ""),
            ([1.0], (0.4,), 0.0, ""),
        )
        for u in points
    ],
    mistakes="""
F.softmax(logits, dim=-1) => logits
    It draws from the logits themselves: they are no probabilities. Turn them into
    probabilities with the softmax first.
softmax => log_softmax
    It draws from logarithms of probabilities (log_softmax): take the probabilities
    themselves, softmax.
F.softmax(logits, dim=-1) => logits.exp()
    The exponentials are not divided by their sum, so that the pieces do not fill the
    stretch from 0 to 1.
F.softmax(logits, dim=-1) => (logits / logits.sum())
    The logits are divided by their sum: take their exponentials first.
cumsum(0) => softmax(0).cumsum(0)
    The softmax is taken twice, which makes the pieces nearly equal.
+ return logits.argmax()
    It always takes the likeliest, whatever u: that is a guess, not a draw.
+ p, ids = F.softmax(logits, dim=-1).sort(descending=True, stable=True)
+ return ids[(p.cumsum(0) < u).sum()]
    The pieces lie in order of size: they must lie in order of the ids.
+ p = F.softmax(logits, dim=-1).sort(descending=True).values
+ return (p.cumsum(0) < u).sum()
    It sorts the probabilities and returns a rank: return the id; there is no need to
    sort.
+ return (F.softmax(logits, dim=-1) > u).int().argmax()
    u is compared with single probabilities: cumulate them, so that they are the ends of
    pieces.
+ return (F.softmax(logits, dim=-1) - u).abs().argmin()
    It takes the id whose probability is nearest to u: u is a point on the stretch that
    the pieces fill.
+ return (F.softmax(logits, dim=-1).cumsum(0) > u).sum()
    It counts the ends above u: the id is the number of ends below u.
+ return (F.softmax(logits, dim=-1).cumsum(0) - u).abs().argmin()
    It takes the end nearest to u: the piece that holds u ends at or above it.
+ return right(logits, u).clamp(max=max(len(logits) - 2, 0))
    The last id is never drawn: its piece goes up to 1.
+ return F.softmax(logits, dim=-1)[right(logits, u)]
    This is the probability of the drawn id: return the id.
+ return len(logits) - 1 - right(logits.flip(0), u)
    The pieces are laid from the end: id 0 comes first.
""",
)


TENS = tensor([10, 20, 30, 40, 50, 60, 70, 80, 90])

shifted_windows = Exercise(
    "shifted_windows",
    """
def my_windows(tokens, starts, T):
    places = starts[:, None] + torch.arange(T)  # (B, T)
    return tokens[places], tokens[places + 1]  # (B, T) each
""",
    praise="row b begins at starts[b]; its targets are one position further on.",
    parts=("the windows", "the targets"),
    cases=[
        Case(
            "tokens 10, 20, … 90; T = 3, from position 2", args=(TENS, tensor([2]), 3)
        ),
        Case(
            "tokens 10, 20, … 90; T = 4, from 1 and 4", args=(TENS, tensor([1, 4]), 4)
        ),
        Case("tokens 10, … 90; T = 2, from 5, 1, 3", args=(TENS, tensor([5, 1, 3]), 2)),
        Case("tokens 7, 5, 9; T = 1, from 1", args=(tensor([7, 5, 9]), tensor([1]), 1)),
        Case("tokens 7, 5, 9; T = 2, from 0", args=(tensor([7, 5, 9]), tensor([0]), 2)),
    ],
    mistakes="""
[places + 1] => [places]
    The targets are the inputs: each target is the *next* token.
[places + 1] => [places - 1]
    The targets lie one back: a target is the token that comes after.
[places + 1] => [places + 2]
    The targets lie two ahead: move them by one.
[places + 1] => [places] + 1
    One was added to the ids: move one *position* on in the text.
tokens[places + 1] => tokens[places].roll(-1, 1)
    The last target is the window's first token, as torch.roll gives: it is the token
    right after the window.
tokens[places + 1] => tokens[(places + 1).minimum(places[:, -1:])]
    The last target is the window's own last token: it is the token right after the
    window.
tokens[places + 1] => tokens[places + 1] * (torch.arange(T) < T - 1)
    The last target is filled with a zero: it is the token right after the window.
tokens[places + 1] => tokens[starts + T]
    There is one target per window: a window is T predictions, so T targets.
starts[:, None] + torch.arange(T) => starts + torch.arange(T)[:, None]
    The axes are swapped: a row is a window, (B, T).
starts[:, None] => T * starts[:, None]
    starts was multiplied by T: they are positions in tokens already.
[places + 1] => [places + T]
    The targets are the next whole window: move them by one token, not by T.
starts[:, None] => starts.sort().values[:, None]
    The starts were sorted: row b of the batch begins at starts[b].
tokens[places], tokens[places + 1] => places, places + 1
    These are positions: look up the tokens that stand there.
""",
)
