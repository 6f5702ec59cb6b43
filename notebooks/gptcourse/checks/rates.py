"""Exercises of 06_training: the learning rate's way, clipping."""

import math
from functools import partial

import torch

from gptcourse.checks.before.core import Case, Exercise, Mistake


def ask_rates(steps: int, rise: int):
    """A probe: the rates of all steps in a row, or the first that is no number."""

    def probe(answer):
        rates = [answer(step, steps, 1.0, rise) for step in range(1, steps + 1)]
        others = [rate for rate in rates if not _is_number(rate)]
        return others[0] if others else torch.tensor([*map(float, rates)])

    return probe


def _is_number(x) -> bool:
    if isinstance(x, torch.Tensor):
        return x.is_cpu and x.numel() == 1 and not x.is_complex()
    return isinstance(x, float | int)


def rate(step, steps, lr, rise, *, first=1, begin=1, span=0, curve="half"):
    """The rate, and with other settings the mistakes one makes in it."""
    if step <= rise:
        return lr * (step - 1 + first) / rise
    done = (step - rise - begin) / (steps - rise + span)
    return (
        lr
        * {
            "half": (1 + math.cos(math.pi * done)) / 2,
            "whole": (1 + math.cos(2 * math.pi * done)) / 2,
            "quarter": math.cos(math.pi / 2 * done),
            "unlifted": math.cos(math.pi * done),
            "not halved": 1 + math.cos(math.pi * done),
            "line": 1 - done,
            "flat": 1.0,
            "degrees": (1 + math.cos(done)) / 2,
        }[curve]
    )


def over_all_steps(step, steps, lr, rise):
    done = (step - 1) / steps
    fall = lr * (1 + math.cos(math.pi * done)) / 2
    return lr * step / rise if step <= rise else fall


def both_at_once(step, steps, lr, rise):
    done = (step - 1) / steps
    return lr * min(1, step / max(1, rise)) * (1 + math.cos(math.pi * done)) / 2


def no_rise(step, steps, lr, rise):
    return rate(max(step, rise + 1), steps, lr, rise)


def no_rise_at_all(step, steps, lr, rise):
    return rate(step, steps, lr, 0)


def always_divides(step, steps, lr, rise):
    return min(step / rise, 1) * rate(max(step, rise + 1), steps, lr, rise)


warmup_cosine = Exercise(
    "warmup_cosine",
    right=rate,
    cases=[
        Case("all rates of 6 steps, lr = 1, rise = 2", ask_rates(6, 2)),
        Case("all rates of 4 steps, lr = 1, no warm-up: rise = 0", ask_rates(4, 0)),
        Case("all rates of 8 steps, lr = 1, rise = 4", ask_rates(8, 4)),
    ],
    mistakes=[
        Mistake(
            "first rate zero",
            "The warm-up is off by one: step 1 has the rate 0, and does nothing. "
            "Steps count from 1, so lr · step / rise.",
            partial(rate, first=0),
        ),
        Mistake(
            "warm-up one higher",
            "The warm-up is off by one: step rise must be the first with the full "
            "rate, lr · step / rise.",
            partial(rate, first=2),
        ),
        Mistake(
            "never quite there",
            "The warm-up never reaches lr: it is divided by rise + 1. Step rise has "
            "the full rate.",
            lambda step, steps, lr, rise: (
                lr * step / (rise + 1) if step <= rise else rate(step, steps, lr, rise)
            ),
        ),
        Mistake(
            "last rate zero",
            "The cosine is off by one: the last step has the rate 0 and does nothing. "
            "Step rise + 1 begins it, at the full rate; step steps + 1 would be at 0.",
            partial(rate, begin=0),
        ),
        Mistake(
            "cosine one step short",
            "The cosine ends one step early, at 0: the last step does nothing. It "
            "falls over steps - rise steps and would reach 0 at step steps + 1.",
            partial(rate, span=-1),
        ),
        Mistake(
            "cosine over all steps",
            "The cosine began with step 1: it begins after the warm-up, so that the "
            "rate does not jump.",
            over_all_steps,
        ),
        Mistake(
            "both at once",
            "The warm-up is multiplied with a cosine that began with step 1: expected "
            "one after the other.",
            both_at_once,
        ),
        Mistake(
            "whole cosine",
            "The rate falls and rises again: a whole turn of the cosine (2π). Half a "
            "turn ends at zero.",
            partial(rate, curve="whole"),
        ),
        Mistake(
            "quarter cosine",
            "This is a quarter of a turn (π/2): it ends at zero, but steeply. Half a "
            "turn, lifted and halved: (1 + cos πd) / 2.",
            partial(rate, curve="quarter"),
        ),
        Mistake(
            "not lifted",
            "The rate becomes negative, the model would climb: lift the cosine and "
            "halve it, (1 + cos πd) / 2.",
            partial(rate, curve="unlifted"),
        ),
        Mistake(
            "not halved",
            "The cosine begins at twice the rate: 1 + cos lies between 0 and 2, halve "
            "it.",
            partial(rate, curve="not halved"),
        ),
        Mistake(
            "pi missing",
            "π is missing: the cosine counts in radians, half a turn is π.",
            partial(rate, curve="degrees"),
        ),
        Mistake(
            "a line",
            "This falls along a line: expected half a cosine.",
            partial(rate, curve="line"),
        ),
        Mistake(
            "no fall",
            "The rate stays where the warm-up has brought it: the cosine is missing.",
            partial(rate, curve="flat"),
        ),
        Mistake(
            "no warm-up",
            "The warm-up is missing: the first steps have the full rate.",
            no_rise,
        ),
        Mistake(
            "rise ignored",
            "rise is not used: the cosine begins with step 1.",
            no_rise_at_all,
        ),
        Mistake(
            "divided by rise = 0",
            "With rise = 0 this divides by zero: without a warm-up, step 1 begins the "
            "cosine.",
            always_divides,
        ),
    ],
    praise="up to lr at step rise, then half a cosine, and the last step still counts.",
)


def ask_clip(*grads: list, limit: float = 1.0):
    def probe(answer):
        return answer([torch.tensor(g) for g in grads], limit)

    return probe


def clip(grads, max_norm, *, norm=lambda g: torch.cat(g).norm(), small=False, to=None):
    """The clipped gradients, and with other settings the mistakes one makes."""
    length = norm([g.flatten() for g in grads])
    if length <= max_norm and not small:
        return list(grads)
    return [g * ((max_norm if to is None else to) / length) for g in grads]


def one_by_one(grads, max_norm):
    return [clip([g], max_norm)[0] for g in grads]


def number_by_number(grads, max_norm):
    return [g.clamp(-max_norm, max_norm) for g in grads]


def by_max_norm(grads, max_norm):
    length = torch.cat([g.flatten() for g in grads]).norm()
    return [g / max_norm for g in grads] if length > max_norm else list(grads)


def not_clipped(grads, max_norm):
    return list(grads)


def only_the_norm(grads, max_norm):
    return torch.cat([g.flatten() for g in grads]).norm()


clip_gradients = Exercise(
    "clip_gradients",
    right=clip,
    cases=[
        Case("gradients [3] and [4], max_norm = 1", ask_clip([3.0], [4.0])),
        Case("gradients [0.3] and [0.4], max_norm = 1", ask_clip([0.3], [0.4])),
        Case("gradients [0] and [0], max_norm = 1", ask_clip([0.0], [0.0])),
        Case(
            "a row and a table, max_norm = 2",
            ask_clip([6.0, -2.0, 1.0], [[1.0, 2.0], [0.5, 9.0]], limit=2.0),
        ),
    ],
    mistakes=[
        Mistake(
            "one by one",
            "Each tensor is clipped by itself, which turns the step: take one norm, "
            "over all tensors together.",
            one_by_one,
        ),
        Mistake(
            "number by number",
            "Each number is cut at the limit, which turns the step: scale all of them "
            "by one factor.",
            number_by_number,
        ),
        Mistake(
            "small ones scaled up",
            "A gradient below the limit is scaled up to it: clipping only shortens.",
            partial(clip, small=True),
        ),
        Mistake(
            "root missing",
            "The norm is missing its root: the sum of squares of 3 and 4 is 25, the "
            "norm 5.",
            partial(clip, norm=lambda g: torch.cat(g).square().sum()),
        ),
        Mistake(
            "norms added",
            "The tensors' norms are added: square all numbers, add, then one root.",
            partial(clip, norm=lambda g: sum(each.norm() for each in g)),
        ),
        Mistake(
            "sizes added",
            "The sizes of all numbers are added: the norm is the root of the sum of "
            "their squares.",
            partial(clip, norm=lambda g: torch.cat(g).abs().sum()),
        ),
        Mistake(
            "largest number",
            "The limit is held against the largest number: it is meant for the norm, "
            "the root of the sum of all squares.",
            partial(clip, norm=lambda g: torch.cat(g).abs().max()),
        ),
        Mistake(
            "mean square",
            "The squares are averaged, not added: the norm grows with the number of "
            "weights.",
            partial(clip, norm=lambda g: torch.cat(g).square().mean().sqrt()),
        ),
        Mistake(
            "to length 1",
            "The gradient is brought to length 1: expected to max_norm.",
            partial(clip, to=1.0),
        ),
        Mistake(
            "divided by max_norm",
            "It is divided by max_norm: expected times max_norm / norm.",
            by_max_norm,
        ),
        Mistake(
            "cleared",
            "A long gradient is thrown away: it is shortened, not forgotten.",
            partial(clip, to=0.0),
        ),
        Mistake(
            "the norm",
            "This is the norm: wanted are the clipped gradients, a list.",
            only_the_norm,
        ),
        Mistake(
            "not clipped",
            "Nothing is clipped: a norm above max_norm comes down to it.",
            not_clipped,
        ),
    ],
    praise="one norm over all tensors, shortened to the limit, direction kept.",
)
