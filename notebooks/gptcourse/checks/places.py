"""More exercises of 02_single_head: who sees the future, and vectors for places."""

import torch
from torch import nn

from gptcourse.checks.core import Case, Exercise, Mistake
from gptcourse.checks.fixed import numbers


def leaks(layer, x, *, changed=None, compared=None) -> bool:
    """Whether an output at t depends on an input after t; settings make mistakes."""
    T = x.size(1)
    before = layer(x)  # (B, T, D)
    for s in changed(T) if changed else range(1, T):
        other = x.clone()
        other[:, s] += 1.0
        places = compared(s, T) if compared else slice(0, s)
        if not torch.equal(layer(other)[:, places], before[:, places]):
            return True
    return False


def _shifted(x, by):
    """x moved by `by` places; zeros come in."""
    y = torch.zeros_like(x)
    if by >= 0:
        y[:, by:] = x[:, : x.size(1) - by]
    else:
        y[:, :by] = x[:, -by:]
    return y


def _only(to, source):
    """A layer in which place `to` takes from place `source`, and nothing else."""

    def layer(x):
        y = x.clone()
        if x.size(1) > max(to, source):
            y[:, to] += x[:, source]
        return y

    return layer


def _mean_of_past(x):
    return x.cumsum(1) / torch.arange(1.0, x.size(1) + 1).view(-1, 1)


def _last_channel_ahead(x):
    y = x.clone()
    y[..., -1] = _shifted(x, -1)[..., -1]
    return y


def _texts_mixed(x):
    return x + x.mean(0, keepdim=True)


def _little_of_two_ahead(x):
    return x + 0.01 * _shifted(x, -2)


LAYERS = {  # name: layer
    "x itself": lambda x: x * 1.0,
    "each place takes from the next one": lambda x: x + _shifted(x, -1),
    "each place takes the one before": lambda x: _shifted(x, 1),
    "the mean of the past": _mean_of_past,
    "the mean of everything": lambda x: x + x.mean(1, keepdim=True),
    "the first place takes from the third, and nothing else": _only(0, 2),
    "the fourth place takes from the fifth, and nothing else": _only(3, 4),
    "the second place takes from the third, and nothing else": _only(1, 2),
    "one hundredth of two places ahead": _little_of_two_ahead,
    "the last channel from one place ahead": _last_channel_ahead,
    "the mean of the past, and of the texts": lambda x: _texts_mixed(_mean_of_past(x)),
}


def _ask_layer(layer):
    def probe(answer):
        found = answer(layer, numbers(2, 5, 3))
        return bool(found) if _is_truth(found) else found

    return probe


def _is_truth(value) -> bool:
    return isinstance(value, torch.Tensor) and value.numel() == 1


sees_future = Exercise(
    "sees_future",
    right=leaks,
    cases=[Case(f"layer: {name}", _ask_layer(f)) for name, f in LAYERS.items()],
    mistakes=[
        Mistake(
            "always no",
            "It says no to every layer. Change an input, run the layer again, and "
            "compare the outputs *before* the place you changed.",
            lambda layer, x: False,
        ),
        Mistake(
            "always yes",
            "It says yes to every layer: the output at the place you changed may "
            "change, too. Only the places before it must stay.",
            lambda layer, x: True,
        ),
        Mistake(
            "the changed place compared",
            "It says yes where only the changed place's own output moves: compare "
            "the places before it, so [:, :s] and not [:, : s + 1].",
            lambda layer, x: leaks(layer, x, compared=lambda s, T: slice(0, s + 1)),
        ),
        Mistake(
            "later places compared",
            "It looks at the places after the changed one: they may depend on it. "
            "The places before it must not.",
            lambda layer, x: leaks(layer, x, compared=lambda s, T: slice(s + 1, T)),
        ),
        Mistake(
            "only the last place changed",
            "It changes the last place only, and misses a layer in which the first "
            "place takes from the third: change every place in turn.",
            lambda layer, x: leaks(layer, x, changed=lambda T: [T - 1]),
        ),
        Mistake(
            "only one place in the middle",
            "It changes one place only, and misses leaks from all others: change "
            "every place in turn.",
            lambda layer, x: leaks(layer, x, changed=lambda T: [T // 2]),
        ),
        Mistake(
            "only the neighbour compared",
            "It compares only the place right before the changed one, and misses a "
            "layer that looks two places ahead: compare all places before it.",
            lambda layer, x: leaks(layer, x, compared=lambda s, T: slice(s - 1, s)),
        ),
        Mistake(
            "only the first place compared",
            "It compares only the first place's output, and misses leaks into the "
            "others: compare all places before the changed one.",
            lambda layer, x: leaks(layer, x, compared=lambda s, T: slice(0, 1)),
        ),
        Mistake(
            "yes and no exchanged",
            "Yes and no are exchanged: True means that the layer sees the future.",
            lambda layer, x: not leaks(layer, x),
        ),
        Mistake(
            "the future in every place",
            "It asks whether *every* earlier output moves: one that moves is enough.",
            lambda layer, x: _all_move(layer, x),
        ),
    ],
    praise="True if any output moves when a later place changes, else False.",
)


def _all_move(layer, x) -> bool:
    before, moved = layer(x), []
    for s in range(1, x.size(1)):
        other = x.clone()
        other[:, s] += 1.0
        moved.append(bool((layer(other)[:, :s] != before[:, :s]).all()))
    return all(moved)


def embed(idx, tokens, places):
    return tokens(idx) + places(torch.arange(idx.size(1)))


def ask_embed(idx, V: int, longest: int, C: int):
    """A probe: what vectors do these token ids get?"""

    def probe(answer):
        tokens, places = nn.Embedding(V, C), nn.Embedding(longest, C)
        with torch.no_grad():
            tokens.weight.copy_(100 * (1 + torch.arange(V))[:, None].expand(V, C))
            row = torch.arange(1.0, longest + 1)[:, None]
            places.weight.copy_(row + torch.arange(C) / 10)
        return answer(torch.tensor(idx), tokens, places)

    return probe


place_vectors = Exercise(
    "place_vectors",
    right=embed,
    cases=[
        Case(
            "ids 2, 0, 0; token vectors are 100s, place vectors 1, 2, 3 and .0, .1",
            ask_embed([[2, 0, 0]], 3, 3, 2),
        ),
        Case(
            "two texts of three, room for five",
            ask_embed([[1, 3, 3], [0, 0, 2]], 4, 5, 2),
        ),
        Case(
            "three texts of three",
            ask_embed([[1, 2, 0], [0, 0, 2], [1, 1, 1]], 3, 3, 4),
        ),
    ],
    mistakes=[
        Mistake(
            "places not added",
            "The place vectors are missing: equal characters get equal vectors "
            "wherever they stand.",
            lambda idx, tokens, places: tokens(idx),
        ),
        Mistake(
            "places added twice",
            "The place vectors are added twice.",
            lambda idx, tokens, places: 2 * embed(idx, tokens, places) - tokens(idx),
        ),
        Mistake(
            "places only",
            "These are the place vectors alone: the characters' are to be added.",
            lambda idx, tokens, places: (
                0 * tokens(idx) + places(torch.arange(idx.size(1)))
            ),
        ),
        Mistake(
            "places looked up by id",
            "The table of places is looked up with the token ids: it wants the "
            "places 0, 1, 2, …",
            lambda idx, tokens, places: tokens(idx) + places(idx),
        ),
        Mistake(
            "places of the batch",
            "The places are numbered along the batch: text 0 gets place 0, text 1 "
            "place 1. Number them along the text, axis 1.",
            lambda idx, tokens, places: (
                tokens(idx) + places(torch.arange(idx.size(0)))[:, None]
            ),
        ),
        Mistake(
            "the same place for all",
            "Every character gets the vector of place 0: expected 0, 1, 2, …",
            lambda idx, tokens, places: tokens(idx) + places.weight[0],
        ),
        Mistake(
            "the last place for all",
            "Every character gets the vector of one place, the last: expected "
            "0, 1, 2, …",
            lambda idx, tokens, places: tokens(idx) + places.weight[idx.size(1) - 1],
        ),
        Mistake(
            "counted backwards",
            "The places are counted from the end: the first character has place 0.",
            lambda idx, tokens, places: (
                tokens(idx) + places(torch.arange(idx.size(1)).flip(0))
            ),
        ),
        Mistake(
            "whole table added",
            "The whole table of places is added, which fits only a text as long as "
            "the table: take the rows 0 to T - 1.",
            lambda idx, tokens, places: tokens(idx) + places.weight,
        ),
        Mistake(
            "multiplied",
            "Character and place are multiplied: expected their sum.",
            lambda idx, tokens, places: tokens(idx) * places(torch.arange(idx.size(1))),
        ),
        Mistake(
            "set side by side",
            "Character and place stand side by side, so that vectors are twice as "
            "wide: expected their sum, (B, T, C).",
            lambda idx, tokens, places: torch.cat(
                [
                    tokens(idx),
                    places(torch.arange(idx.size(1))).expand(len(idx), -1, -1),
                ],
                -1,
            ),
        ),
        Mistake(
            "averaged",
            "This is half the sum: add the two vectors, nothing more.",
            lambda idx, tokens, places: embed(idx, tokens, places) / 2,
        ),
    ],
    praise="each vector is its character's plus its place's, the same for every text.",
)
