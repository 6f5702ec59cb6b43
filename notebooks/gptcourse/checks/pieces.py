"""Exercise of 06_training: one step from a batch that comes in pieces."""

from functools import partial

import torch

from gptcourse.checks.before.core import Case, Exercise, Mistake
from gptcourse.checks.training import Descent, Line, weights

X = torch.tensor([[1.0, 2.0], [0.0, 1.0], [2.0, 0.0], [1.0, 1.0]])
Y = torch.tensor([2.0, 0.0, 1.0, 3.0])


def ask_pieces(measure, sizes, leftover: bool = False):
    """A probe: one step from X cut into pieces, then measure(model, loss)."""

    def probe(answer):
        model = Line([]).train()
        if leftover:
            model.w.grad = torch.tensor([10.0, 10.0])
        pieces = [*zip(X.split(sizes), Y.split(sizes), strict=True)]
        loss = answer(model, Descent(model), pieces)
        return measure(model, loss)

    return probe


def calls(model, loss) -> str:
    return ", ".join(call for call in model.log if call != "zero_grad")


def accumulate(
    model,
    optimizer,
    pieces,
    *,
    share=lambda piece, pieces: len(piece) / sum(len(idx) for idx, _ in pieces),
    clear="first",
    step="last",
    value=lambda parts, last: sum(parts),
    at_once=False,
):
    """One step from pieces, and with other settings the mistakes one makes in it."""
    if clear == "first":
        optimizer.zero_grad()
    parts, waiting = [], 0.0
    for idx, targets in pieces:
        if clear == "each":
            optimizer.zero_grad()
        mean = model(idx, targets)[1]
        loss = mean * share(idx, pieces)
        parts.append(loss.item())
        if at_once:
            waiting = waiting + loss
        else:
            loss.backward()
        if step == "each":
            optimizer.step()
    if at_once:
        waiting.backward()
    if step == "last":
        optimizer.step()
    return value(parts, mean.item())


accumulated_step = Exercise(
    "accumulated_step",
    right=accumulate,
    cases=[
        Case("calls in a step from two pieces", ask_pieces(calls, [2, 2])),
        Case("w and b, two pieces of two rows", ask_pieces(weights, [2, 2])),
        Case("w and b, pieces of one and three rows", ask_pieces(weights, [1, 3])),
        Case(
            "w and b, gradients left from before",
            ask_pieces(weights, [2, 2], leftover=True),
        ),
        Case("the loss given back", ask_pieces(lambda _, loss: loss, [1, 3])),
    ],
    mistakes=[
        Mistake(
            "not scaled",
            "The losses of the pieces are added up as they are: each is a mean over "
            "its own rows, so with n pieces the step is n times too long.",
            partial(accumulate, share=lambda piece, pieces: 1.0),
        ),
        Mistake(
            "pieces count alike",
            "Every piece counts alike, whatever its size: weigh each mean with the "
            "piece's share of the rows.",
            partial(accumulate, share=lambda piece, pieces: 1 / len(pieces)),
        ),
        Mistake(
            "divided by all rows",
            "Each mean is divided by the number of all rows: it is already divided by "
            "the piece's own. Weigh it with len(piece) / len(all).",
            partial(
                accumulate,
                share=lambda piece, pieces: 1 / sum(len(i) for i, _ in pieces),
            ),
        ),
        Mistake(
            "cleared in each piece",
            "zero_grad stands inside the loop: only the last piece's gradient is left.",
            partial(accumulate, clear="each"),
        ),
        Mistake(
            "never cleared",
            "zero_grad is missing: gradients of an earlier step are still there.",
            partial(accumulate, clear="never"),
        ),
        Mistake(
            "a step for each piece",
            "There is a step after each piece: collect all gradients, then take one.",
            partial(accumulate, step="each"),
        ),
        Mistake(
            "separate steps",
            "Each piece is a training step of its own: clear once, before the first "
            "piece, and step once, after the last.",
            partial(accumulate, step="each", clear="each"),
        ),
        Mistake(
            "no step",
            "optimizer.step() is missing after the last piece.",
            partial(accumulate, step="never"),
        ),
        Mistake(
            "one backward for all",
            "The right step, but all pieces are in memory until the one backward at "
            "the end: that is what cutting the batch was to avoid. Call it for each.",
            partial(accumulate, at_once=True),
        ),
        Mistake(
            "loss of the last piece",
            "The loss given back is that of the last piece: expected the mean over all "
            "rows.",
            partial(accumulate, value=lambda parts, last: last),
        ),
    ],
    praise="the same step as from the whole batch, in the memory of one piece.",
)
