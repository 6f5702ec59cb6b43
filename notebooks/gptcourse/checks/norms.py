"""Exercises of 04_blocks: LayerNorm, and its gradient."""

from functools import partial

import torch

from gptcourse.checks.before.core import Case, Exercise, Mistake
from gptcourse.checks.fixed import numbers


def ask_two_vectors(answer):
    x = torch.tensor([[0.0, 2.0], [6.0, 2.0]])
    return answer(x, torch.ones(2), torch.zeros(2), 1.0)


def ask_gain_and_bias(answer):
    return answer(numbers(2, 3, 4), numbers(4, start=50), numbers(4, start=60), 1e-5)


def ask_sevens(answer):
    return answer(torch.full((1, 3), 7.0), torch.ones(3), torch.ones(3), 1e-5)


def norm(x, gain, bias, eps, *, dim=-1, unbiased=False, inside=True, centred=True):
    """LayerNorm, and with other settings the mistakes one makes in it."""
    mean = x.mean(dim=dim, keepdim=True)
    variance = x.var(dim=dim, unbiased=unbiased, keepdim=True)
    if not centred:
        mean, variance = 0, x.square().mean(dim=dim, keepdim=True)
    size = torch.sqrt(variance + eps) if inside else torch.sqrt(variance) + eps
    return gain * (x - mean) / size + bias


def without_keepdim(x, gain, bias, eps):
    size = torch.sqrt(x.var(-1, unbiased=False) + eps)
    return gain * (x - x.mean(-1)) / size + bias


def by_variance(x, gain, bias, eps):
    mean = x.mean(-1, keepdim=True)
    return gain * (x - mean) / (x.var(-1, unbiased=False, keepdim=True) + eps) + bias


def not_divided(x, gain, bias, eps):
    return gain * (x - x.mean(-1, keepdim=True)) + bias


def gain_on_bias(x, gain, bias, eps):
    return gain * (norm(x, 1, 0, eps) + bias)


def no_gain(x, gain, bias, eps):
    return norm(x, 1, bias, eps)


def no_bias(x, gain, bias, eps):
    return norm(x, gain, 0, eps)


def neither(x, gain, bias, eps):
    return norm(x, 1, 0, eps)


def no_eps(x, gain, bias, eps):
    return norm(x, gain, bias, 0.0)


def everything_at_once(x, gain, bias, eps):
    return norm(x, gain, bias, eps, dim=tuple(range(x.ndim)))


layer_norm = Exercise(
    "layer_norm",
    right=norm,
    cases=[
        Case("[0, 2] and [6, 2], ε = 1, gain 1, bias 0", ask_two_vectors),
        Case("one vector of three sevens, gain 1, bias 1", ask_sevens),
        Case("two texts of three places, C = 4, any gain and bias", ask_gain_and_bias),
    ],
    mistakes=[
        Mistake(
            "epsilon outside the root",
            "ε stands outside the root: expected √(σ² + ε), not √σ² + ε.",
            partial(norm, inside=False),
        ),
        Mistake(
            "unbiased variance",
            "The variance is divided by C - 1: LayerNorm takes the biased one, 1/C "
            "(`unbiased=False`).",
            partial(norm, unbiased=True),
        ),
        Mistake(
            "unbiased, epsilon outside",
            "Two things: `std()` divides by C - 1, and ε is added outside the root. "
            "Expected √(σ² + ε) with the biased variance, 1/C.",
            partial(norm, unbiased=True, inside=False),
        ),
        Mistake(
            "epsilon missing",
            "ε is missing: a vector whose numbers are all alike then gives 0/0.",
            no_eps,
        ),
        Mistake(
            "first dimension",
            "Mean and variance run over dimension 0: expected over the C numbers of "
            "each vector by itself, dim=-1.",
            partial(norm, dim=0),
        ),
        Mistake(
            "over places",
            "Mean and variance run over dimension 1, which in (B, T, C) is the "
            "places, so that each would see its future: expected dim=-1.",
            partial(norm, dim=1),
        ),
        Mistake(
            "everything at once",
            "One mean and one variance for the whole tensor: expected its own for "
            "each vector, dim=-1.",
            everything_at_once,
        ),
        Mistake(
            "keepdim missing",
            "`keepdim=True` is missing: mean and variance lose their axis and are "
            "then subtracted from the wrong numbers, or do not fit.",
            without_keepdim,
        ),
        Mistake(
            "mean not subtracted",
            "The mean is not subtracted: this divides by the root mean square, which "
            "is RMSNorm.",
            partial(norm, centred=False),
        ),
        Mistake(
            "not divided",
            "Nothing is divided by √(σ² + ε): the size of the vector stays.",
            not_divided,
        ),
        Mistake(
            "root missing",
            "The root is missing: this divides by the variance, not the deviation.",
            by_variance,
        ),
        Mistake(
            "gain on the bias",
            "The gain multiplies the bias, too: first times gain, then plus bias.",
            gain_on_bias,
        ),
        Mistake("no gain", "The gain is not used.", no_gain),
        Mistake("no bias", "The bias is not used.", no_bias),
        Mistake("neither", "Gain and bias are not used.", neither),
    ],
    praise="mean and biased variance of each vector, ε inside the root, gain, bias.",
)


def ask_one_gradient(answer):
    x = torch.tensor([[0.0, 1.0, 5.0]])
    return answer(x, torch.tensor([[1.0, 0.0, 0.0]]), 1e-5)


def ask_many_gradients(answer):
    return answer(numbers(2, 3, 4), numbers(2, 3, 4, start=50), 0.5)


def gradient(x, dy, eps, *, mean=True, along=True, divided=1, unbiased=False):
    """The gradient, and with other settings the mistakes one makes in it."""
    variance = x.var(-1, unbiased=unbiased, keepdim=True)
    size = torch.sqrt(variance + eps)
    y = (x - x.mean(-1, keepdim=True)) / size
    dx = dy
    if mean:
        dx = dx - dy.mean(-1, keepdim=True)
    if along:
        dx = dx - y * (dy * y).mean(-1, keepdim=True)
    return dx / size**divided


def sums(x, dy, eps):
    size = torch.sqrt(x.var(-1, unbiased=False, keepdim=True) + eps)
    y = (x - x.mean(-1, keepdim=True)) / size
    dx = dy - dy.sum(-1, keepdim=True) - y * (dy * y).sum(-1, keepdim=True)
    return dx / size


def along_x(x, dy, eps):
    size = torch.sqrt(x.var(-1, unbiased=False, keepdim=True) + eps)
    dx = dy - dy.mean(-1, keepdim=True) - x * (dy * x).mean(-1, keepdim=True)
    return dx / size


def pattern_missing(x, dy, eps):
    size = torch.sqrt(x.var(-1, unbiased=False, keepdim=True) + eps)
    y = (x - x.mean(-1, keepdim=True)) / size
    return (dy - dy.mean(-1, keepdim=True) - (dy * y).mean(-1, keepdim=True)) / size


def plus(x, dy, eps):
    return 2 * gradient(x, dy, eps, along=False) - gradient(x, dy, eps)


def forward_again(x, dy, eps):
    return norm(x, 1, 0, eps)


layer_norm_gradient = Exercise(
    "layer_norm_gradient",
    right=gradient,
    cases=[
        Case("x = [0, 1, 5], dy = [1, 0, 0], ε = 0.00001", ask_one_gradient),
        Case("two texts of three places, C = 4, ε = 0.5", ask_many_gradients),
    ],
    mistakes=[
        Mistake(
            "mean and size as constants",
            "Only dy / s is there: μ and s depend on x, too, and each of them sends "
            "a gradient back.",
            partial(gradient, mean=False, along=False),
        ),
        Mistake(
            "mean as a constant",
            "The gradient through the mean μ is missing: it takes the mean of dy off.",
            partial(gradient, mean=False),
        ),
        Mistake(
            "size as a constant",
            "The gradient through the deviation s is missing: it takes off the part "
            "of dy that points along y.",
            partial(gradient, along=False),
        ),
        Mistake(
            "sums",
            "Sums stand where means are needed: μ and σ² carry a factor 1/C.",
            sums,
        ),
        Mistake(
            "along x",
            "The last term uses x where the normalised y = (x - μ) / s belongs.",
            along_x,
        ),
        Mistake(
            "pattern missing",
            "The mean of dy · y is subtracted as it is: it must be multiplied by y, "
            "since a larger s shrinks each number in proportion to its y.",
            pattern_missing,
        ),
        Mistake(
            "plus",
            "The sign of the last term is wrong: a larger s makes y smaller.",
            plus,
        ),
        Mistake(
            "not divided",
            "The division by s is missing.",
            partial(gradient, divided=0),
        ),
        Mistake(
            "divided twice",
            "It is divided by s² = σ² + ε: expected by s, its root.",
            partial(gradient, divided=2),
        ),
        Mistake(
            "unbiased variance",
            "The variance is divided by C - 1: LayerNorm takes the biased one, 1/C.",
            partial(gradient, unbiased=True),
        ),
        Mistake(
            "the output",
            "This is y, the output: wanted is the gradient that reaches x.",
            forward_again,
        ),
    ],
    praise="what is left of dy has mean 0 and no part along y: x cannot change those.",
)
