"""Exercise of 06_training: one step of AdamW."""

from functools import partial

import torch

from gptcourse.checks.before.core import Case, Exercise, Mistake


def ask_first_step(answer):
    p, g, zero = torch.tensor([1.0, 1.0]), torch.tensor([1.0, 100.0]), torch.zeros(2)
    return answer(p, g, zero, zero, 1, 0.1, 0.0, 0.9, 0.95, 1e-8)


def ask_steps(decay: float, eps: float = 1e-8, g=(2.0, -0.5, 0.1)):
    """A probe: three steps with the gradients g, then the weights p."""

    def probe(answer):
        p, m, v = torch.tensor([4.0]), torch.zeros(1), torch.zeros(1)
        for t in (1, 2, 3):
            gradient = torch.tensor([g[t - 1]])
            p, m, v = answer(p, gradient, m, v, t, 0.5, decay, 0.8, 0.9, eps)
        return p

    return probe


def adamw(
    p,
    g,
    m,
    v,
    t,
    lr,
    decay,
    b1,
    b2,
    eps,
    *,
    correct=(1, 1),
    pull="decoupled",
    square=lambda g, m: g * g,
    root=lambda v, eps: v.sqrt() + eps,
    gather=lambda b: 1 - b,
    keep_corrected=False,
    sign=-1,
):
    """One step, and with other settings the mistakes one makes in it."""
    if pull == "coupled":
        g = g + decay * p
    m = b1 * m + gather(b1) * g
    v = b2 * v + gather(b2) * square(g, m)
    m_hat = m / (1 - b1**t) if correct[0] else m
    v_hat = v / (1 - b2**t) if correct[1] else v
    step = m_hat / root(v_hat, eps)
    if pull == "decoupled":
        p = p * (1 - lr * decay)
    if pull == "without rate":
        p = p * (1 - decay)
    p = p + sign * lr * step
    if pull == "after":
        p = p * (1 - lr * decay)
    return (p, m_hat, v_hat) if keep_corrected else (p, m, v)


def betas_swapped(p, g, m, v, t, lr, decay, b1, b2, eps):
    return adamw(p, g, m, v, t, lr, decay, b2, b1, eps)


def counted_from_zero(p, g, m, v, t, lr, decay, b1, b2, eps):
    return adamw(p, g, m, v, t + 1, lr, decay, b1, b2, eps)


def only_weights(*given):
    return adamw(*given)[0]


def plain_gradient(p, g, m, v, t, lr, decay, b1, b2, eps):
    _, m, v = adamw(p, g, m, v, t, lr, decay, b1, b2, eps)
    step = g / ((v / (1 - b2**t)).sqrt() + eps)
    return p * (1 - lr * decay) - lr * step, m, v


adamw_step = Exercise(
    "adamw_step",
    right=adamw,
    cases=[
        Case(
            "p, m and v after the first step: p = [1, 1], g = [1, 100], lr = 0.1",
            ask_first_step,
        ),
        Case("p after three steps from 4, no decay", ask_steps(0.0)),
        Case("p after three steps from 4, ε = 0.5", ask_steps(0.0, 0.5)),
        Case("p after three steps from 4, lr = 0.5, decay = 0.2", ask_steps(0.2)),
    ],
    mistakes=[
        Mistake(
            "no bias correction",
            "The bias correction is missing: m and v begin at zero and are too small "
            "at first. Divide them by 1 - b1^t and 1 - b2^t.",
            partial(adamw, correct=(0, 0)),
        ),
        Mistake(
            "only m corrected",
            "Only m is corrected: v, too, began at zero, so divide it by 1 - b2^t. "
            "Without that, the first steps are far too long.",
            partial(adamw, correct=(1, 0)),
        ),
        Mistake(
            "only v corrected",
            "Only v is corrected: divide m by 1 - b1^t.",
            partial(adamw, correct=(0, 1)),
        ),
        Mistake(
            "corrected means kept",
            "The corrected means are handed on: m and v themselves must be, or they "
            "are corrected again at each step.",
            partial(adamw, keep_corrected=True),
        ),
        Mistake(
            "t off by one",
            "t is counted one too high: the first step is t = 1.",
            counted_from_zero,
        ),
        Mistake(
            "decay coupled",
            "The decay goes through the gradient: that is Adam with an L2 penalty. "
            "The W of AdamW shrinks p by itself, p · (1 - lr · decay).",
            partial(adamw, pull="coupled"),
        ),
        Mistake(
            "decay without the rate",
            "The decay is not multiplied by the rate: p · (1 - lr · decay).",
            partial(adamw, pull="without rate"),
        ),
        Mistake(
            "decay missing",
            "The weight decay is missing: p · (1 - lr · decay), then the step.",
            partial(adamw, pull="none"),
        ),
        Mistake(
            "decay after the step",
            "The decay comes after the step and shrinks the step with it: first "
            "p · (1 - lr · decay), then the step.",
            partial(adamw, pull="after"),
        ),
        Mistake(
            "root missing",
            "The root of v is missing: the step then has the unit of one over a "
            "gradient.",
            partial(adamw, root=lambda v, eps: v + eps),
        ),
        Mistake(
            "epsilon inside the root",
            "ε stands inside the root: here it is √v + ε (LayerNorm has it inside).",
            partial(adamw, root=lambda v, eps: (v + eps).sqrt()),
        ),
        Mistake(
            "v of m",
            "v gathers the square of the mean m: expected that of the gradient g.",
            partial(adamw, square=lambda g, m: m * m),
        ),
        Mistake(
            "v of g",
            "v gathers g itself: expected its square.",
            partial(adamw, square=lambda g, m: g),
        ),
        Mistake(
            "not a mean",
            "The factors 1 - b1 and 1 - b2 are missing: m and v are running sums.",
            partial(adamw, gather=lambda b: 1.0),
        ),
        Mistake(
            "betas swapped",
            "b1 and b2 have changed places: b1 belongs to m, b2 to v.",
            betas_swapped,
        ),
        Mistake(
            "betas upside down",
            "The shares are upside down: b of the old mean, 1 - b of the new value.",
            lambda p, g, m, v, t, lr, decay, b1, b2, eps: adamw(
                p, g, m, v, t, lr, decay, 1 - b1, 1 - b2, eps
            ),
        ),
        Mistake(
            "upwards",
            "The step goes along the gradient, upwards: subtract it.",
            partial(adamw, sign=1),
        ),
        Mistake(
            "gradient instead of its mean",
            "The step follows g itself: expected its corrected mean m / (1 - b1^t).",
            plain_gradient,
        ),
        Mistake("only p", "Three things come back: return p, m, v.", only_weights),
    ],
    praise="two running means, corrected; decay by itself; steps of about the rate.",
)
