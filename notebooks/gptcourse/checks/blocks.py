"""Exercise of 04_blocks: the block."""

import torch
from torch import nn

from gptcourse.checks.before.core import Case, Exercise, Mistake
from gptcourse.checks.fixed import fill, numbers
from gptlib.attention import CausalSelfAttention
from gptlib.model import FeedForward


def ask_digits(answer):
    """Stand-ins whose shares in the result can be read off its digits."""
    x = torch.tensor([[[1.0, 3.0]]])  # (1, 1, 2): LayerNorm makes it (-1, 1)
    twice = nn.LayerNorm(2)
    nn.init.constant_(twice.weight, 2.0)
    return answer(x, nn.LayerNorm(2), lambda x: -10 * x, twice, lambda x: 100 * x)


def ask_real_parts(answer):
    parts = [nn.LayerNorm(4), CausalSelfAttention(4, 2), nn.LayerNorm(4)]
    parts.append(FeedForward(4))
    for n, part in enumerate(parts):
        fill(part, 100 * n)
    return answer(numbers(2, 3, 4), *parts)


def block(x, ln_1, attn, ln_2, mlp):
    x = x + attn(ln_1(x))
    return x + mlp(ln_2(x))


def post_norm(x, ln_1, attn, ln_2, mlp):
    x = ln_1(x + attn(x))
    return ln_2(x + mlp(x))


def no_norm(x, ln_1, attn, ln_2, mlp):
    x = x + attn(x)
    return x + mlp(x)


def only_one_norm(x, ln_1, attn, ln_2, mlp):
    x = x + attn(ln_1(x))
    return x + mlp(x)


def only_second_norm(x, ln_1, attn, ln_2, mlp):
    x = x + attn(x)
    return x + mlp(ln_2(x))


def corrections_normed(x, ln_1, attn, ln_2, mlp):
    x = x + ln_1(attn(x))
    return x + ln_2(mlp(x))


def no_residuals(x, ln_1, attn, ln_2, mlp):
    return mlp(ln_2(attn(ln_1(x))))


def no_first_residual(x, ln_1, attn, ln_2, mlp):
    x = attn(ln_1(x))
    return x + mlp(ln_2(x))


def no_second_residual(x, ln_1, attn, ln_2, mlp):
    return mlp(ln_2(x + attn(ln_1(x))))


def road_normed(x, ln_1, attn, ln_2, mlp):
    x = ln_1(x)
    x = x + attn(x)
    x = ln_2(x)
    return x + mlp(x)


def side_by_side(x, ln_1, attn, ln_2, mlp):
    return x + attn(ln_1(x)) + mlp(ln_2(x))


def first_draft_lost(x, ln_1, attn, ln_2, mlp):
    return x + mlp(ln_2(x + attn(ln_1(x))))


def other_order(x, ln_1, attn, ln_2, mlp):
    return block(x, ln_2, mlp, ln_1, attn)


def norms_swapped(x, ln_1, attn, ln_2, mlp):
    return block(x, ln_2, attn, ln_1, mlp)


def one_norm_twice(x, ln_1, attn, ln_2, mlp):
    return block(x, ln_1, attn, ln_1, mlp)


pre_norm_block = Exercise(
    "pre_norm_block",
    right=block,
    cases=[
        Case(
            "x = [1, 3], attn takes -10 times what it reads, mlp 100 times, ln_2 "
            "has gain 2",
            ask_digits,
        ),
        Case("two texts of three places, C = 4, real layers", ask_real_parts),
    ],
    mistakes=[
        Mistake(
            "post-norm",
            "This is the post-norm block: it normalises after each sum, so that a "
            "LayerNorm stands on the road itself. Normalise what each layer reads.",
            post_norm,
        ),
        Mistake(
            "no LayerNorm",
            "There is no LayerNorm: attn and mlp read the stream as it is. Let each "
            "read it through its own.",
            no_norm,
        ),
        Mistake(
            "mlp reads unnormalised",
            "mlp reads the stream as it is: put ln_2 before it.",
            only_one_norm,
        ),
        Mistake(
            "attn reads unnormalised",
            "attn reads the stream as it is: put ln_1 before it.",
            only_second_norm,
        ),
        Mistake(
            "corrections normalised",
            "The LayerNorms come behind the layers, on the corrections: expected "
            "before them, on what the layers read.",
            corrections_normed,
        ),
        Mistake(
            "no residual",
            "The residual connections are missing: each layer replaces the stream "
            "instead of adding to it, as in the plain stack that did not learn.",
            no_residuals,
        ),
        Mistake(
            "no residual around attn",
            "The residual connection around attn is missing: x + attn(...).",
            no_first_residual,
        ),
        Mistake(
            "no residual around mlp",
            "The residual connection around mlp is missing: x + mlp(...).",
            no_second_residual,
        ),
        Mistake(
            "the road normalised",
            "The stream itself is overwritten by its normalised form: what is added "
            "to must be the stream as it came in. Call attn(ln_1(x)), keep x.",
            road_normed,
        ),
        Mistake(
            "side by side",
            "Both layers read the stream that came in: mlp must read what attn has "
            "already corrected.",
            side_by_side,
        ),
        Mistake(
            "attention's correction lost",
            "The last sum starts from the block's input: the correction of attn "
            "reaches mlp, but is missing from the stream that goes on.",
            first_draft_lost,
        ),
        Mistake(
            "other order",
            "mlp comes before attn: gather first, then think.",
            other_order,
        ),
        Mistake(
            "norms swapped",
            "The two LayerNorms have changed places: ln_1 belongs to attn.",
            norms_swapped,
        ),
        Mistake(
            "one norm twice",
            "ln_1 stands before both layers: ln_2, with its own gain and bias, "
            "belongs to mlp.",
            one_norm_twice,
        ),
    ],
    praise="each layer reads the stream normalised and adds to it: a free road.",
)
