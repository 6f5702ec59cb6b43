"""Exercises of 03_multi_head: many heads side by side, and one matrix."""

from functools import partial

import torch
from torch import nn

from gptcourse.checks.before.core import Case, Exercise, Mistake
from gptcourse.checks.fixed import layer, numbers


class Scale(nn.Module):
    """A layer that multiplies: its output tells where it comes from."""

    def __init__(self, by: float, width: int | None = None):
        super().__init__()
        self.by, self.width = by, width

    def forward(self, x):
        return self.by * x[..., : self.width]


def join(x, heads, proj, *, dim=-1):
    return proj(torch.cat([head(x) for head in heads], dim=dim))


def ask_join(B: int, T: int, C: int, H: int):
    def probe(answer):
        heads = [layer(C, C // H, 100 * n) for n in range(H)]
        return answer(numbers(B, T, C), heads, layer(C, C, 1000))

    return probe


def ask_plain_join(answer):
    """x = (1, 2); head 0 gives 10, head 1 gives 100 times its first number."""
    x = torch.tensor([[[1.0, 2.0], [3.0, 4.0]]])
    return answer(x, [Scale(10.0, 1), Scale(100.0, 1)], Scale(1.0))


join_heads = Exercise(
    "join_heads",
    right=join,
    cases=[
        Case(
            "two places; head 0 gives 10 x, head 1 100 x; proj does nothing",
            ask_plain_join,
        ),
        Case("two texts of three places, C = 4, two heads", ask_join(2, 3, 4, 2)),
        Case("two texts of four places, C = 6, three heads", ask_join(2, 4, 6, 3)),
        Case("two texts of two places, C = 4, two heads", ask_join(2, 2, 4, 2)),
    ],
    mistakes=[
        Mistake(
            "set below each other",
            "The heads are concatenated along the places, axis 1: set them side by "
            "side along the channels, dim=-1.",
            partial(join, dim=1),
        ),
        Mistake(
            "joined along the batch",
            "The heads are concatenated along the batch, axis 0: set them side by "
            "side along the channels, dim=-1.",
            partial(join, dim=0),
        ),
        Mistake(
            "stacked",
            "The heads are stacked on an axis of their own: torch.cat sets them side "
            "by side on the one there is.",
            lambda x, heads, proj: proj(torch.stack([head(x) for head in heads], 1)),
        ),
        Mistake(
            "not mixed",
            "The projection is missing: proj comes after the concatenation.",
            lambda x, heads, proj: join(x, heads, nn.Identity()),
        ),
        Mistake(
            "added up",
            "The heads are added up, so that none can be told from the others: set "
            "them side by side.",
            lambda x, heads, proj: proj(
                sum(head(x) for head in heads).repeat(1, 1, len(heads))
            ),
        ),
        Mistake(
            "interleaved",
            "The heads' channels are interleaved, one of each in turn: the first d "
            "channels belong to head 0, the next d to head 1.",
            lambda x, heads, proj: proj(
                torch.stack([head(x) for head in heads], -1).flatten(2)
            ),
        ),
        Mistake(
            "in reverse",
            "The heads stand in reverse order.",
            lambda x, heads, proj: join(x, heads[::-1], proj),
        ),
        Mistake(
            "first head repeated",
            "Every slot holds the output of head 0.",
            lambda x, heads, proj: join(x, [heads[0]] * len(heads), proj),
        ),
        Mistake(
            "last head repeated",
            "Every slot holds the output of the last head.",
            lambda x, heads, proj: join(x, [heads[-1]] * len(heads), proj),
        ),
        Mistake(
            "x added",
            "x is added to the result: that comes in the next notebook, outside of "
            "this layer.",
            lambda x, heads, proj: x + join(x, heads, proj),
        ),
        Mistake(
            "reshaped",
            "The heads were stacked and then reshaped, which mixes places: the "
            "channels of one place must stay together.",
            lambda x, heads, proj: proj(
                torch.stack([head(x) for head in heads], 1).reshape(x.shape)
            ),
        ),
        Mistake(
            "projected twice",
            "The projection is applied twice.",
            lambda x, heads, proj: proj(join(x, heads, proj)),
        ),
    ],
    praise="channels 0 to d - 1 are head 0's, the next d head 1's; then proj mixes.",
)


def split(x, n_head):
    B, T, C = x.shape
    return x.view(B, T, n_head, C // n_head).transpose(1, 2)


def reshaped(x, n_head):
    """The classic mistake."""
    return x.reshape(x.size(0), n_head, x.size(1), -1)


def dealt(x, n_head):
    """Channels dealt out to the heads in turn."""
    return x.view(*x.shape[:2], -1, n_head).permute(0, 3, 1, 2)


def named_numbers(B: int, T: int, C: int, H: int):
    """Numbers that say where they stand: 302 is time 3, head 0, channel 2."""
    d = C // H
    t = 100 * torch.arange(T).view(T, 1, 1)
    h = 10 * torch.arange(H).view(H, 1)
    text = 1000 * torch.arange(B).view(B, 1, 1)
    return (text + (t + h + torch.arange(d)).view(1, T, C)).float()


def ask_split(B: int, T: int, C: int, H: int):
    return lambda answer: answer(named_numbers(B, T, C, H), H)


split_heads = Exercise(
    "split_heads",
    right=split,
    cases=[
        Case(
            "two places, two heads of 2; 110 is time 1, head 1", ask_split(1, 2, 4, 2)
        ),
        Case("three places, two heads of 2", ask_split(1, 3, 4, 2)),
        Case("two texts of four places, three heads of 2", ask_split(2, 4, 6, 3)),
    ],
    mistakes=[
        Mistake(
            "the classic mistake",
            "This is the classic mistake: view or reshape straight to (B, H, T, d) "
            "cuts the *time* into heads. View (B, T, H, d) first, then transpose.",
            reshaped,
        ),
        Mistake(
            "not transposed",
            "The axes are (B, T, H, d): one step is left, heads before time.",
            lambda x, n: x.view(*x.shape[:2], n, -1),
        ),
        Mistake(
            "channels dealt out in turn",
            "The channels are dealt out in turn, one to each head: head 0 is to get "
            "the first d, so view (B, T, H, d), not (B, T, d, H).",
            dealt,
        ),
        Mistake(
            "time last",
            "The last two axes are swapped: expected (B, H, T, d), time before "
            "channels.",
            lambda x, n: split(x, n).transpose(2, 3),
        ),
        Mistake(
            "heads first of all",
            "The heads come before the texts: expected (B, H, T, d).",
            lambda x, n: split(x, n).transpose(0, 1),
        ),
        Mistake(
            "heads of n channels",
            "n_head was taken for the width of a head: there are n_head heads, each "
            "C / n_head wide.",
            lambda x, n: split(x, x.size(-1) // n),
        ),
        Mistake(
            "heads in reverse",
            "The heads stand in reverse order.",
            lambda x, n: split(x, n).flip(1),
        ),
        Mistake(
            "heads joined with the batch",
            "Texts and heads share one axis, (B·H, T, d): keep them apart.",
            lambda x, n: split(x, n).flatten(0, 1),
        ),
        Mistake(
            "a list of heads",
            "This is a list with one tensor a head: expected one tensor (B, H, T, d).",
            lambda x, n: list(split(x, n).unbind(1)),
        ),
        Mistake(
            "a tuple along the channels",
            "These are the pieces of x along the channels, (B, T, d) each: expected "
            "one tensor (B, H, T, d).",
            lambda x, n: list(x.split(n, dim=-1)),
        ),
    ],
    praise="heads before time, and channels of a place stay together.",
)


def fused(heads, *, dim=0, kinds=("query", "key", "value"), by_head=False, bias=True):
    """The matrix and bias of all heads' queries, then keys, then values."""
    if by_head:
        parts = [getattr(head, kind) for head in heads for kind in kinds]
    else:
        parts = [getattr(head, kind) for kind in kinds for head in heads]
    C = parts[0].in_features
    made = torch.cat([part.weight for part in parts], dim)
    biases = torch.cat([part.bias for part in parts])
    whole = nn.Linear(C, 3 * C)
    with torch.no_grad():
        whole.weight.copy_(made.view(3 * C, C) if dim else made)
        whole.bias.copy_(biases if bias else 0 * biases)
    return whole


class ThreeLayers(nn.Module):
    """What a `Head` has: query, key and value, C -> d each."""

    def __init__(self, C: int, d: int, start: int):
        super().__init__()
        self.query = layer(C, d, start)
        self.key = layer(C, d, start + 300)
        self.value = layer(C, d, start + 600)


class Named(nn.Module):
    """query, key, value that give 10, 20, 30 plus the head's number, from any x."""

    def __init__(self, number: int):
        super().__init__()
        for tens, kind in enumerate(("query", "key", "value"), start=1):
            made = nn.Linear(2, 1)
            nn.init.constant_(made.weight, 0.0)
            nn.init.constant_(made.bias, 10.0 * tens + number)
            setattr(self, kind, made)


def ask_named(answer):
    return answer([Named(0), Named(1)])(torch.zeros(1, 2))


def ask_fused(C: int, H: int):
    def probe(answer):
        heads = [ThreeLayers(C, C // H, 1000 * n) for n in range(H)]
        return answer(heads)(numbers(2, 3, C))

    return probe


one_matrix = Exercise(
    "one_matrix",
    right=fused,
    cases=[
        Case(
            "biases only: 10s are queries, 20s keys, 30s values; units the head",
            ask_named,
        ),
        Case("two heads, C = 4: the layer on two texts of three", ask_fused(4, 2)),
        Case("three heads, C = 6: the layer on two texts of three", ask_fused(6, 3)),
    ],
    mistakes=[
        Mistake(
            "head by head",
            "The parts stand head by head, q k v q k v: expected all queries, then "
            "all keys, then all values.",
            partial(fused, by_head=True),
        ),
        Mistake(
            "bias missing",
            "The biases are missing: each small layer has one, and they are joined "
            "as the matrices are.",
            partial(fused, bias=False),
        ),
        Mistake(
            "joined along the inputs",
            "The matrices were joined along axis 1 and reshaped: nn.Linear stores "
            "(outputs, inputs), and outputs are set below each other, dim=0.",
            partial(fused, dim=1),
        ),
        Mistake(
            "keys first",
            "Keys come before queries: expected queries, keys, values.",
            partial(fused, kinds=("key", "query", "value")),
        ),
        Mistake(
            "values before keys",
            "Values come before keys: expected queries, keys, values.",
            partial(fused, kinds=("query", "value", "key")),
        ),
        Mistake(
            "values first",
            "Values come first: expected queries, keys, values.",
            partial(fused, kinds=("value", "key", "query")),
        ),
        Mistake(
            "heads in reverse",
            "The heads stand in reverse order.",
            lambda heads: fused(heads[::-1]),
        ),
        Mistake(
            "fresh numbers",
            "The layer still has numbers of its own: copy those of the heads into "
            "its weight and bias, within torch.no_grad().",
            when=lambda got, expected: (
                got[0].shape == expected[0].shape and bool((got[0].abs() < 2).all())
            ),
        ),
    ],
    praise="one product gives every head's query, key and value.",
)
