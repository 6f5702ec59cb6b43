"""Exercises of 07_overfitting: stopping in time, averaging weights."""

from functools import partial

import torch
from torch import nn

from gptcourse.checks.before.core import Case, Exercise, Mistake
from gptcourse.checks.fixed import numbers


class Walker(nn.Module):
    """A model whose two weights say how many turns it has had, and its loss now."""

    def __init__(self):
        super().__init__()
        self.w = nn.Parameter(torch.zeros(2))
        self.turns, self.aliased = 0, False

    def walk(self, losses):
        """A training: each turn moves the weights in place."""
        for self.turns, loss in enumerate(losses, 1):
            self.w.data.copy_(torch.tensor([float(self.turns), loss]))
            yield self.turns

    def load_state_dict(self, state, **keywords):
        self.aliased = state["w"].data_ptr() == self.w.data_ptr()
        return super().load_state_dict(state, **keywords)


def loss_of(model: Walker) -> float:
    return model.w[1].item()


def stopped(measure, title: str, losses: list[float], patience: int) -> Case:
    """A case: walk through these losses, then measure(model, what came back)."""

    def probe(answer):
        model = Walker()
        back = answer(model.walk(losses), model, loss_of, patience)
        return measure(model, back)

    shown = " ".join(f"{loss:g}" for loss in losses)
    return Case(f"{title}, losses {shown}, patience {patience}", probe)


def turns_trained(model, back):
    return model.turns


def came_back(model, back):
    return back


def weights_left(model, back) -> str:
    own = " (its own tensors, put back)" * model.aliased
    return f"those of turn {int(model.w[0])}{own}"


def lower(loss, best, last):
    return loss < best


def stopping(
    training,
    model,
    score,
    patience,
    *,
    better=lower,
    progress=lower,
    reset=True,
    limit=lambda patience: patience,
    keep=lambda model: model.w.detach().clone(),
    back=lambda best, last: best,
    first=1,
    worst=float("inf"),
    one_too_many=False,
    only_if_stopped=False,
):
    """Early stopping, and with other settings the mistakes one makes in it."""
    best, kept, waited, last = (0, worst), None, 0, worst
    stopped = False
    for turn, _ in enumerate(training, first):
        if one_too_many and waited >= patience:
            break
        loss = score(model)
        came_down = progress(loss, best[1], last)
        if better(loss, best[1], last):
            best, kept = (turn, loss), keep(model)
        waited = (0 if reset else waited) if came_down else waited + 1
        last = loss
        stopped = not came_down and waited >= limit(patience) and not one_too_many
        if stopped:
            break
    if kept is not None and (stopped or not only_if_stopped):
        put_back(model, kept)
    return back(best, (turn, loss))


@torch.no_grad()
def put_back(model, kept):
    if isinstance(kept, dict):
        model.load_state_dict(kept)
    else:
        model.w.copy_(kept)


def score_at_the_end(training, model, score, patience):
    return stopping(list(training), model, score, patience)


def higher(loss, best, last):
    return loss > best


def level(loss, best, last):
    return loss <= best


DIP = [3.0, 1.0, 2.0, 2.0, 0.0]
SHAKY = [3.0, 2.0, 4.0, 1.0, 3.0, 2.5, 0.5]

stop_early = Exercise(
    "stop_early",
    right=stopping,
    cases=[
        stopped(turns_trained, "turns trained", DIP, 2),
        stopped(turns_trained, "turns trained", SHAKY, 2),
        stopped(turns_trained, "turns trained", [2.0, 1.0, 1.0, 1.0, 1.0, 0.5], 3),
        stopped(turns_trained, "turns trained", DIP, 1),
        stopped(came_back, "what is returned", DIP, 2),
        stopped(came_back, "what is returned", [3.0, 2.0, 1.0], 2),
        stopped(weights_left, "the model's weights", DIP, 2),
        stopped(weights_left, "the model's weights", DIP[:3], 5),
    ],
    mistakes=[
        Mistake(
            "weights not put back",
            "The model is left as the last turn made it: put back the weights of its "
            "best turn. (`best = model` keeps no copy, it is a second name.)",
            partial(stopping, keep=lambda model: model.w.detach()),
        ),
        Mistake(
            "state_dict not copied",
            "The weights are put back, but they are the last ones: state_dict() gives "
            "the model's own tensors, which go on changing. Copy them when you keep "
            "them, `copy.deepcopy(model.state_dict())`.",
            partial(stopping, keep=lambda model: model.state_dict()),
        ),
        Mistake(
            "put back only when stopped",
            "The best weights are put back only after a stop: where the training ends "
            "first, the model keeps its last ones. Put them back after the loop.",
            partial(stopping, only_if_stopped=True),
        ),
        Mistake(
            "stops one late",
            "It stops one turn too late: patience 2 means that the second turn in a "
            "row without a new low is the last (`>=`, not `>`).",
            partial(stopping, limit=lambda patience: patience + 1),
        ),
        Mistake(
            "one turn for nothing",
            "It trains one turn after the decision to stop, for nothing: look right "
            "after the score, not at the beginning of the next turn.",
            partial(stopping, one_too_many=True),
        ),
        Mistake(
            "stops one early",
            "It stops one turn too early: patience 2 means two turns in a row without "
            "a new low.",
            partial(stopping, limit=lambda patience: patience - 1),
        ),
        Mistake(
            "patience ignored",
            "It stops at the first turn that brings no new low: patience is not used.",
            partial(stopping, limit=lambda patience: 1),
        ),
        Mistake(
            "never stops",
            "It never stops: the training went on to its end.",
            partial(stopping, limit=lambda patience: 10**9),
        ),
        Mistake(
            "not in a row",
            "All turns without a new low are counted together: a new low sets the "
            "count back to 0.",
            partial(stopping, reset=False),
        ),
        Mistake(
            "compared with the turn before",
            "Each loss is held against that of the turn before: a loss can fall and "
            "still be no new low. Compare with the lowest so far.",
            partial(stopping, progress=lambda loss, best, last: loss < last),
        ),
        Mistake(
            "level counts as lower",
            "A loss equal to the lowest counts as a new low: nothing is gained, so "
            "`<`, not `<=`.",
            partial(stopping, better=level, progress=level),
        ),
        Mistake(
            "highest",
            "It looks for the highest loss: the lowest is the best.",
            partial(stopping, better=higher, progress=higher, worst=float("-inf")),
        ),
        Mistake(
            "scored at the end",
            "The whole training ran before the first score (is there a "
            "`list(training)`?): score the model after each turn.",
            score_at_the_end,
        ),
        Mistake(
            "counted from 0",
            "The turn is counted from 0: the first turn is 1.",
            partial(stopping, first=0),
        ),
        Mistake(
            "the last turn's",
            "What is returned is of the turn at which it stopped: expected the best "
            "turn and its loss.",
            partial(stopping, back=lambda best, last: last),
        ),
        Mistake(
            "swapped",
            "The two are swapped: first the turn, then its loss.",
            partial(stopping, back=lambda best, last: best[::-1]),
        ),
    ],
    praise="patience counted in a row, and the best weights put back.",
)


def states(count: int):
    """State dictionaries of one model, all their numbers different."""
    tables = [numbers(2, count, start=9 * i) for i in range(count)]
    rows = [numbers(count, start=50 + 9 * i) for i in range(count)]
    return [{"w": w, "b": b} for w, b in zip(tables, rows, strict=True)]


def ask_average(given: list[dict], *names: str):
    """A probe: average these states, and look at the tensors of these names."""

    def probe(answer):
        mean = answer(given)
        return [mean[name] for name in names] if len(names) > 1 else mean[names[0]]

    return probe


def averaging(states, mean=lambda values: sum(values) / len(values), last=()):
    """The mean of states, and with another mean the mistakes one makes in it."""
    return {
        name: states[-1][name] if name in last else mean([s[name] for s in states])
        for name in states[0]
    }


def halved(values):
    mean = values[0]
    for value in values[1:]:
        mean = (mean + value) / 2
    return mean


THREE = [{"w": torch.tensor(w)} for w in ([[0.0, 6.0]], [[3.0, 0.0]], [[9.0, 0.0]])]

average_weights = Exercise(
    "average_weights",
    right=averaging,
    cases=[
        Case(
            "w of three states: [[0, 6]], [[3, 0]], [[9, 0]]", ask_average(THREE, "w")
        ),
        Case("two states of w (2, 2) and b (2,)", ask_average(states(2), "w", "b")),
        Case("three states of w (2, 3) and b (3,)", ask_average(states(3), "w", "b")),
        Case("one state", ask_average(states(1), "w", "b")),
    ],
    mistakes=[
        Mistake(
            "not divided",
            "This is the sum: divide it by the number of states.",
            partial(averaging, mean=sum),
        ),
        Mistake(
            "halved each time",
            "The mean so far and the next state are averaged again and again: then the "
            "last state counts half, the one before a quarter. All count the same.",
            partial(averaging, mean=halved),
        ),
        Mistake(
            "the first counted twice",
            "The first state is in the sum twice: begin with it or with zero, then add "
            "the others.",
            partial(averaging, mean=lambda v: (v[0] + sum(v)) / len(v)),
        ),
        Mistake(
            "the last state",
            "This is the last state: expected the mean of all.",
            partial(averaging, mean=lambda v: v[-1]),
        ),
        Mistake(
            "a single number",
            "Each tensor became a single number: the mean is over the states, number "
            "by number (`dim=0` of the stack).",
            partial(averaging, mean=lambda v: torch.stack(v).mean()),
        ),
        Mistake(
            "mean inside a state",
            "The mean is over a tensor's own numbers: it is over the states (`dim=0` "
            "of the stack).",
            partial(averaging, mean=lambda v: torch.stack(v).mean(dim=-1)),
        ),
        Mistake(
            "only matrices",
            "Only some of the tensors are averaged, others are the last state's: take "
            "every name.",
            partial(averaging, last=("b",)),
        ),
    ],
    praise="each weight is the mean of what it was, and the states are left alone.",
)
