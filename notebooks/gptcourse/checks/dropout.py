"""Exercise of 04_blocks: dropout with given random numbers."""

import torch

from gptcourse.checks.before.core import Case, Exercise, Mistake
from gptcourse.checks.fixed import numbers


def ask_dropped(answer):
    x = torch.tensor([1.0, 2.0, 3.0, 4.0])
    return answer(x, 0.75, torch.tensor([0.1, 0.8, 0.5, 0.9]), True)


def ask_in_eval(answer):
    x = torch.tensor([1.0, 2.0, 3.0, 4.0])
    return answer(x, 0.75, torch.tensor([0.1, 0.8, 0.5, 0.9]), False)


def ask_many(answer):
    u = (numbers(3, 4, start=9) / 4 + 0.5).clamp(0, 0.999)
    return answer(numbers(3, 4), 0.2, u, True)


def ask_nothing_dropped(answer):
    return answer(numbers(2, 3), 0.0, numbers(2, 3, start=9).abs() / 2, True)


def dropped(x, p, u, training):
    return torch.where(u >= p, x / (1 - p), 0.0) if training else x


def not_scaled(x, p, u, training):
    return x * (u >= p) if training else x


def scaled_down(x, p, u, training):
    return x * (u >= p) * (1 - p) if training else x


def scaled_by_p(x, p, u, training):
    return x * (u >= p) / p if training else x


def active_in_eval(x, p, u, training):
    return x * (u >= p) / (1 - p)


def active_in_eval_unscaled(x, p, u, training):
    return x * (u >= p)


def scaled_in_eval(x, p, u, training):
    return x * (u >= p) if training else x * (1 - p)


def scaled_everywhere(x, p, u, training):
    return (x * (u >= p) if training else x) / (1 - p)


def wrong_ones_kept(x, p, u, training):
    return x * (u < p) / (1 - p) if training else x


def p_keeps(x, p, u, training):
    return x * (u < p) / p if training and p else x


def flag_upside_down(x, p, u, training):
    return dropped(x, p, u, not training)


def cut_out(x, p, u, training):
    return x[u >= p] / (1 - p) if training else x


def whole_rows(x, p, u, training):
    return dropped(x, p, u[..., :1].expand_as(u), training)


def own_numbers(got, expected):
    """Zeros and doubled numbers as they should be, but in other places."""
    x, kept = torch.tensor([1.0, 2.0, 3.0, 4.0]), got[0] != 0
    scaled = torch.allclose(got[0][kept], 4 * x[kept])
    return scaled and torch.equal(got[2], expected[2])


inverted_dropout = Exercise(
    "inverted_dropout",
    right=dropped,
    cases=[
        Case("x = [1, 2, 3, 4], p = 0.75, u = [0.1, 0.8, 0.5, 0.9]", ask_dropped),
        Case("p = 0", ask_nothing_dropped),
        Case("the same in eval mode: training=False", ask_in_eval),
        Case("three vectors of four, p = 0.2", ask_many),
    ],
    mistakes=[
        Mistake(
            "not scaled",
            "The numbers that stay are not scaled: without the factor 1/(1-p) the "
            "mean shrinks, and the next layer meets larger numbers in eval mode.",
            not_scaled,
        ),
        Mistake(
            "scaled down",
            "The numbers that stay are multiplied by 1-p: expected a division, so "
            "that they make up for those that are gone.",
            scaled_down,
        ),
        Mistake(
            "scaled by p",
            "The numbers that stay are divided by p: expected by 1-p, the share of "
            "them that stays.",
            scaled_by_p,
        ),
        Mistake(
            "active in eval",
            "Dropout is active in eval mode: with training=False, x must come back.",
            active_in_eval,
        ),
        Mistake(
            "active in eval, not scaled",
            "Two things: dropout is active in eval mode, and the factor 1/(1-p) is "
            "missing.",
            active_in_eval_unscaled,
        ),
        Mistake(
            "scaled in eval",
            "The scale is in the wrong mode: this multiplies by 1-p in eval, as the "
            "first paper did. Divide by 1-p in training, and leave eval alone.",
            scaled_in_eval,
        ),
        Mistake(
            "scaled everywhere",
            "The factor 1/(1-p) is applied in eval mode, too, where nothing is gone.",
            scaled_everywhere,
        ),
        Mistake(
            "the wrong ones kept",
            "The wrong numbers are dropped: those with u below p must go.",
            wrong_ones_kept,
        ),
        Mistake(
            "p keeps",
            "p is taken for the probability of staying: it is that of being dropped.",
            p_keeps,
        ),
        Mistake(
            "flag upside down",
            "The modes are swapped: numbers are dropped when training is True.",
            flag_upside_down,
        ),
        Mistake(
            "cut out",
            "The dropped numbers are cut out: they become 0 and keep their place.",
            cut_out,
        ),
        Mistake(
            "whole vectors",
            "One u decides for a whole vector: each number has its own.",
            whole_rows,
        ),
        Mistake(
            "random numbers of its own",
            "The right idea with random numbers of its own: use the u that is given.",
            when=own_numbers,
        ),
    ],
    praise="zeros where u is below p, the others divided by 1-p, and eval untouched.",
)
