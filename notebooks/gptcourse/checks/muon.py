"""An exercise of 14_modern: Muon's step, level in every direction."""

from functools import partial

import torch

from gptcourse.checks.before.core import Case, Exercise, Mistake
from gptcourse.checks.fixed import numbers

A, B, C = 3.4445, -4.7750, 2.0315


def ask_level(matrix, steps: int):
    matrix = torch.as_tensor(matrix)
    return lambda answer: answer(matrix, steps)


def level(X, steps, *, by=lambda X: X.norm(), more=0, rest=None):
    """Rounds of the polynomial; the settings are the mistakes one makes."""
    X = X / by(X)
    for _ in range(steps + more):
        S = X @ X.T
        X = A * X + (B * S + C * S @ S) @ X if rest is None else rest(X, S)
    return X


def not_carried_on(X, steps):
    return level(X, 1)


def exact(X, steps):
    U, _, V = torch.linalg.svd(X, full_matrices=False)
    return U @ V


orthogonalise = Exercise(
    "orthogonalise",
    right=level,
    cases=[
        Case("3 and 4 on the diagonal, one round", ask_level([[3.0, 0], [0, 4.0]], 1)),
        Case("[[1, 2], [0, 1]], one round", ask_level([[1.0, 2.0], [0.0, 1.0]], 1)),
        Case("two rows of three, three rounds", ask_level(numbers(2, 3), 3)),
        Case("three rows of two, five rounds", ask_level(numbers(3, 2), 5)),
    ],
    mistakes=[
        Mistake(
            "not divided first",
            "The matrix is not divided by its norm first: singular values above 1 "
            "run away.",
            partial(level, by=lambda X: 1.0),
        ),
        Mistake(
            "divided by the largest number",
            "It is divided by its largest number: a singular value can then still be "
            "above 1. The norm is the root of the sum of all squares.",
            partial(level, by=lambda X: X.abs().max()),
        ),
        Mistake(
            "divided by the largest singular value",
            "It is divided by its largest singular value: expected by the root of the "
            "sum of all squares, which needs no singular values.",
            partial(level, by=lambda X: torch.linalg.matrix_norm(X, 2)),
        ),
        Mistake(
            "rows divided one by one",
            "Each row is divided by its own norm, which turns the directions: one "
            "norm for the whole matrix.",
            partial(level, by=lambda X: X.norm(dim=1, keepdim=True)),
        ),
        Mistake(
            "entry by entry",
            "The powers are taken entry by entry (`X**3`): XXᵀX is a product of "
            "matrices, `@`.",
            partial(level, rest=lambda X, S: A * X + B * X**3 + C * X**5),
        ),
        Mistake(
            "square entry by entry",
            "(XXᵀ)² is squared entry by entry: it is the matrix times itself, `@`.",
            partial(level, rest=lambda X, S: A * X + (B * S + C * S**2) @ X),
        ),
        Mistake(
            "not times X",
            "The last two terms are not multiplied by X: b(XXᵀ)X and c(XXᵀ)²X.",
            partial(level, rest=lambda X, S: A * X + B * S + C * S @ S),
        ),
        Mistake(
            "fifth power missing",
            "The term with c is missing.",
            partial(level, rest=lambda X, S: A * X + B * S @ X),
        ),
        Mistake(
            "b and c swapped",
            "b and c are swapped: b belongs to the third power, c to the fifth.",
            partial(level, rest=lambda X, S: A * X + (C * S + B * S @ S) @ X),
        ),
        Mistake(
            "XᵀX before X",
            "XᵀX stands where XXᵀ should: on the left of X only XXᵀ keeps the "
            "directions.",
            partial(
                level,
                rest=lambda X, S: A * X + (B * X.T @ X + C * X.T @ X @ X.T @ X) @ X,
            ),
        ),
        Mistake(
            "one round only",
            "It is one round, however many are asked for: each goes on from the last "
            "one's result.",
            not_carried_on,
        ),
        Mistake(
            "one round too many",
            "There is one round too many.",
            partial(level, more=1),
        ),
        Mistake(
            "exact",
            "This is UVᵀ itself, by a singular value decomposition: Muon's five "
            "rounds come near it, for less.",
            exact,
        ),
    ],
    praise="the directions kept, their sizes brought together, by products alone.",
)
