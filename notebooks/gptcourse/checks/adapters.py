"""Exercise of 10_prompting: a linear layer with a change of low rank (LoRA)."""

from functools import partial

import torch

from gptcourse.checks.before.core import Case, Exercise, Mistake
from gptcourse.checks.fixed import numbers

SQUARE = ([[1, 1], [0, 2]], [[1, 0], [1, 1]], [[0, 1], [2, 0]], [[1, 0], [1, 1]])


def small(answer):
    """All matrices 2 x 2: what is mixed up still multiplies, to different numbers."""
    x, W, A, B = (torch.tensor(m, dtype=torch.float32) for m in SQUARE)
    return answer(x, W, A, B, 6.0)


def thin(axes=(2,), B_size=2.0):
    """Arguments without two equal sizes in a product: C = 4, D = 5, r = 3."""
    W, A = numbers(5, 4, start=10), numbers(3, 4, start=30)
    return numbers(*axes, 4), W, A, numbers(5, 3, start=50, size=B_size), 7.0


def gradients(answer):
    x, W, A, B, alpha = thin()
    learns = A.requires_grad_(), B.requires_grad_()
    given = answer(x, W, A, B, alpha).sum()
    return torch.autograd.grad(given, learns, allow_unused=True, materialize_grads=True)


def adapted(
    x,
    W,
    A,
    B,
    alpha,
    scale=lambda a, r: a / r,
    product=lambda A, B: B @ A,
    matrix=lambda W, change: W + change,
):
    """A linear layer and its adapter; with other settings the mistakes one makes."""
    return x @ matrix(W, scale(alpha, len(A)) * product(A, B)).T


SCALES = [  # the factor that was taken, and what to say about it
    (lambda a, r: 1.0, "The change is not scaled: alpha / r stands before it."),
    (lambda a, r: a * r, "The change is multiplied by r: divide alpha by it."),
    (lambda a, r: 2 * a / r, "The change counts twice: add it once."),
    (lambda a, r: a, "The factor is alpha alone: divide it by r, A's number of rows."),
    (lambda a, r: a // r, "alpha // r drops the fraction: alpha / r keeps it."),
    (lambda a, r: -a / r, "The change is subtracted: add it."),
    (lambda a, r: 1 / r, "The factor is 1 / r: multiply it by alpha."),
    (
        lambda a, r: a / r**0.5,
        "The factor is alpha / √r: that is rsLoRA (arXiv 2312.03732), a later variant "
        "for large ranks; here it is alpha / r.",
    ),
]
PRODUCTS = [  # the change (D, C) that was made of A and B
    (
        lambda A, B: A @ B,
        "A and B have changed places: A comes first and makes r numbers of x, of which "
        "B makes D.",
    ),
    (
        lambda A, B: (A @ B).T,
        "Neither A nor B is transposed: for rows, B A x is x @ A.T @ B.T.",
    ),
    (lambda A, B: B @ A.T, "A is not transposed: it is (r, C), rows need x @ A.T."),
    (lambda A, B: B.T @ A, "B is not transposed: it is (D, r), rows need h @ B.T."),
    (
        lambda A, B: (B @ A).T,
        "The product B A is not transposed: it is (D, C) like W, rows need "
        "x @ (B @ A).T.",
    ),
]
MATRICES = [  # the matrix that was made of W and the change, both (D, C)
    (lambda W, change: change, "This is the change alone: W x belongs to it."),
    (
        lambda W, change: W + change @ W,
        "The change is applied to W x: it stands beside W and reads the same x.",
    ),
    (
        lambda W, change: W.T + change,
        "W is not transposed: it is (D, C), rows need x @ W.T.",
    ),
    (
        lambda W, change: (W + change).T,
        "No matrix is transposed: the formula's x is a column, these are rows, so "
        "(W + …) x becomes x @ (W + …).T.",
    ),
]
OTHERS = [
    (
        lambda x, W, A, B, alpha: alpha / len(A) * adapted(x, W, A, B, len(A)),
        "W x, too, is multiplied by alpha / r: only the change is.",
    ),
    (
        lambda x, W, A, B, alpha: adapted(x, W, A, B, alpha * len(A) / A.size(1)),
        "alpha is divided by C, the length of A's rows: r is their number, A.size(0).",
    ),
    (
        lambda x, W, A, B, alpha: adapted(x.mT, W, A, B, alpha).mT,
        "The matrices stand left of x: in the formula it is one column, these are "
        "rows. W x becomes x @ W.T.",
    ),
    (
        lambda *given: adapted(*given).detach(),
        "No gradient reaches A and B: the numbers are right, but nothing could be "
        "learned. no_grad, detach and .data cut it off.",
    ),
]


def mistakes():
    wrong = [(partial(adapted, scale=f), says) for f, says in SCALES]
    wrong += [(partial(adapted, product=f), says) for f, says in PRODUCTS]
    wrong += [(partial(adapted, matrix=f), says) for f, says in MATRICES]
    return [Mistake(s.partition(":")[0], s, f) for f, s in wrong + OTHERS]


lora_linear = Exercise(
    "lora_linear",
    right=adapted,
    cases=[
        Case("two rows, all matrices 2 x 2, alpha = 6", small),
        Case("two rows, C = 4, D = 5, r = 3, alpha = 7", lambda f: f(*thin())),
        Case("two texts of three places", lambda f: f(*thin((2, 3)))),
        Case("B = 0, as before training", lambda f: f(*thin(B_size=0.0))),
        Case("the gradients of A and B, for the sum of the result", gradients),
    ],
    mistakes=mistakes(),
    praise="W as it was, and beside it alpha / r of B A, which alone is learned.",
)
