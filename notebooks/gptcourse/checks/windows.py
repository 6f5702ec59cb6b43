"""An exercise of 01_bigram: windows of text and their targets."""

from functools import partial

import torch

from gptcourse.checks.core import Case, Exercise, Mistake


def windows(tokens, starts, T, *, move=1):
    places = starts[:, None] + torch.arange(T)  # (B, T)
    return tokens[places], tokens[places + move]


def _with_targets(change):
    """Right inputs; targets made from (idx, right targets) by change."""

    def wrong(tokens, starts, T):
        idx, targets = windows(tokens, starts, T)
        return idx, change(idx, targets)

    return wrong


def _last_replaced(by):
    """Targets whose last column is by(idx, targets)."""
    return _with_targets(lambda i, t: torch.cat([t[:, :-1], by(i, t)[:, None]], 1))


def ask_windows(starts: list[int], T: int):
    return lambda answer: answer(
        torch.tensor([10, 20, 30, 40, 50, 60, 70, 80, 90]), torch.tensor(starts), T
    )


shifted_windows = Exercise(
    "shifted_windows",
    right=windows,
    cases=[
        Case("tokens 10, 20, … 90; T = 3, a window from place 2", ask_windows([2], 3)),
        Case("tokens 10, 20, … 90; T = 4, from places 1 and 4", ask_windows([1, 4], 4)),
        Case(
            "tokens 10, 20, … 90; T = 2, from places 5, 1, 3", ask_windows([5, 1, 3], 2)
        ),
    ],
    mistakes=[
        Mistake(
            "targets equal inputs",
            "The targets are the inputs: each target is to be the *next* token.",
            partial(windows, move=0),
        ),
        Mistake(
            "targets one back",
            "The targets lie one back: a target is the token that comes after.",
            partial(windows, move=-1),
        ),
        Mistake(
            "targets two ahead",
            "The targets lie two ahead: one is right.",
            partial(windows, move=2),
        ),
        Mistake(
            "ids plus one",
            "One was added to the ids: move one *place* on in the text.",
            _with_targets(lambda i, t: i + 1),
        ),
        Mistake(
            "last target the first input",
            "The last target is the window's first token, as torch.roll gives: it is "
            "the token right after the window.",
            _last_replaced(lambda i, t: i[:, 0]),
        ),
        Mistake(
            "last target the last input",
            "The last target is the window's own last token: it is the token right "
            "after the window.",
            _last_replaced(lambda i, t: i[:, -1]),
        ),
        Mistake(
            "last target zero",
            "The last target is filled with a zero: it is the token right after the "
            "window.",
            _last_replaced(lambda i, t: 0 * i[:, -1]),
        ),
        Mistake(
            "one target a window",
            "There is one target a window: a window is T predictions, so T targets.",
            _with_targets(lambda i, t: t[:, -1]),
        ),
        Mistake(
            "one target a window, with its axis",
            "There is one target a window, (B, 1): a window is T predictions.",
            _with_targets(lambda i, t: t[:, -1:]),
        ),
        Mistake(
            "one shorter",
            "Both are one too short: T inputs and T targets take T + 1 tokens.",
            lambda tokens, starts, T: windows(tokens, starts, T - 1),
        ),
        Mistake(
            "one longer",
            "Both are one too long: T inputs and T targets take T + 1 tokens in all.",
            lambda tokens, starts, T: windows(tokens, starts, T + 1),
        ),
        Mistake(
            "inputs and targets exchanged",
            "Inputs and targets have changed places: inputs come first.",
            lambda tokens, starts, T: windows(tokens, starts, T)[::-1],
        ),
        Mistake(
            "axes swapped",
            "The axes are swapped: a row is a window, (B, T).",
            lambda tokens, starts, T: tuple(
                part.T for part in windows(tokens, starts, T)
            ),
        ),
        Mistake(
            "starts times T",
            "starts was multiplied by T: they are places in tokens already.",
            lambda tokens, starts, T: windows(tokens, starts * T, T),
        ),
        Mistake(
            "all from the first",
            "All windows begin at the first start.",
            lambda tokens, starts, T: windows(tokens, starts[:1].expand_as(starts), T),
        ),
        Mistake(
            "places for tokens",
            "These are places: look up the tokens that stand there.",
            lambda tokens, starts, T: windows(torch.arange(len(tokens)), starts, T),
        ),
    ],
    praise="row b begins at starts[b]; its targets are one place further on.",
)
