"""More exercises of 01_bigram: the loss, written out, and its gradient."""

import math
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor

from gptcourse.checks.core import Case, Exercise, Mistake
from gptcourse.checks.fixed import numbers
from gptcourse.checks.values import Raised


def picked(logits, targets):
    """The target's own entry, of anything (B, T, V)."""
    return logits.gather(-1, targets[..., None]).squeeze(-1)


def chosen(logits, targets, *, dim=-1):
    """ln p of each target, (B, T)."""
    return picked(F.log_softmax(logits, dim=dim), targets)


def loss(logits, targets):
    return -chosen(logits, targets).mean()


HALF = [[[2.0, 1.0, 1.0], [1.0, 1.0, 6.0]]]  # probabilities 1/2 and 3/4 of 0 and 2


def ask_small(answer):
    return answer(torch.tensor(HALF).log(), torch.tensor([[0, 2]]))


def ask_loss(B: int, T: int, V: int):
    def probe(answer):
        targets = (numbers(B, T).abs() * 10).long() % V
        return answer(numbers(B, T, V, start=7), targets)

    return probe


def ask_gradient(answer):
    logits = torch.tensor(HALF).log().requires_grad_()
    answer(logits, torch.tensor([[0, 2]])).backward()
    return logits.grad


def _value_only(got, expected) -> bool:
    """Right numbers, but the gradient, the last question, cannot be had."""
    pairs = zip(got[:-1], expected[:-1], strict=True)
    right = all(abs(float(a) - float(b)) < 1e-3 for a, b in pairs)
    return right and isinstance(got[-1], Raised)


next_token_loss = Exercise(
    "next_token_loss",
    right=loss,
    cases=[
        Case("two predictions; the targets have p = 1/2 and 3/4", ask_small),
        Case("two texts of three, V = 4", ask_loss(2, 3, 4)),
        Case("three texts of three, V = 3", ask_loss(3, 3, 3)),
        Case("the same two predictions: the gradient for the logits", ask_gradient),
    ],
    mistakes=[
        Mistake(
            "no minus",
            "The sign is missing: ln p is negative, surprise is -ln p.",
            lambda logits, targets: -loss(logits, targets),
        ),
        Mistake(
            "a sum",
            "This is the sum over all predictions: the mean is wanted.",
            lambda logits, targets: -chosen(logits, targets).sum(),
        ),
        Mistake(
            "not averaged",
            "This holds one surprise a prediction, (B, T): their mean is wanted.",
            lambda logits, targets: -chosen(logits, targets),
        ),
        Mistake(
            "one loss a text",
            "This holds one loss a text, (B,): the mean over all is wanted.",
            lambda logits, targets: -chosen(logits, targets).mean(1),
        ),
        Mistake(
            "divided by the texts only",
            "The sum is divided by B: there are B·T predictions.",
            lambda logits, targets: -chosen(logits, targets).sum() / len(logits),
        ),
        Mistake(
            "softmax over the places",
            "The softmax runs over the places, axis 1: each prediction's V numbers "
            "are to become probabilities, dim=-1.",
            lambda logits, targets: -chosen(logits, targets, dim=1).mean(),
        ),
        Mistake(
            "softmax over the batch",
            "The softmax runs over the texts, axis 0: each prediction's V numbers "
            "are to become probabilities, dim=-1.",
            lambda logits, targets: -chosen(logits, targets, dim=0).mean(),
        ),
        Mistake(
            "bits",
            "This is in bits, from a logarithm to base 2: nats are wanted, the "
            "natural one.",
            lambda logits, targets: loss(logits, targets) / math.log(2),
        ),
        Mistake(
            "logarithm of the mean",
            "The mean is taken before the logarithm: each prediction has its own "
            "surprise, and the loss is their mean.",
            lambda logits, targets: -chosen(logits, targets).exp().mean().log(),
        ),
        Mistake(
            "no softmax",
            "The logits are used as they are: make logarithms of probabilities of "
            "them first.",
            lambda logits, targets: -picked(logits, targets).mean(),
        ),
        Mistake(
            "logits as probabilities",
            "The logarithm of the logits is taken: they are no probabilities, and "
            "may be negative. Take the softmax first.",
            lambda logits, targets: -picked(logits, targets).log().mean(),
        ),
        Mistake(
            "softmax twice",
            "The softmax is taken twice: F.cross_entropy contains it and wants the "
            "logits.",
            lambda logits, targets: loss(F.softmax(logits, -1), targets),
        ),
        Mistake(
            "no logarithm",
            "This is the mean probability of the targets: surprise is -ln p.",
            lambda logits, targets: chosen(logits, targets).exp().mean(),
        ),
        Mistake(
            "one minus p",
            "This is the mean of 1 - p: surprise is -ln p.",
            lambda logits, targets: 1 - chosen(logits, targets).exp().mean(),
        ),
        Mistake(
            "all characters averaged",
            "This averages over all V characters: only the one that came counts, "
            "each prediction's target.",
            lambda logits, targets: -F.log_softmax(logits, -1).mean(),
        ),
        Mistake(
            "targets moved again",
            "The targets are moved by one once more: they are the next characters "
            "already.",
            lambda logits, targets: loss(logits[:, :-1], targets[:, 1:]),
        ),
        Mistake(
            "the last place only",
            "Only the last place counts: a window is T predictions.",
            lambda logits, targets: loss(logits[:, -1:], targets[:, -1:]),
        ),
        Mistake(
            "reshaped",
            "The logits are reshaped to (B, V, T), which mixes the predictions: "
            "transpose(1, 2), or flatten the first two axes.",
            lambda logits, targets: F.cross_entropy(
                logits.reshape(len(logits), -1, logits.size(1)), targets
            ),
        ),
        Mistake(
            "classes in the wrong axis",
            "F.cross_entropy wants the V numbers in axis 1: flatten (B, T, V) to "
            "(B·T, V) and the targets to (B·T,).",
            lambda logits, targets: F.cross_entropy(logits, targets),
        ),
        Mistake(
            "no gradient",
            "The value is right, but no gradient flows back from it: no .item(), "
            ".detach() or float() on the way, a tensor () is wanted.",
            when=_value_only,
        ),
    ],
    praise="the mean of -ln p(target) over all B·T predictions, in nats.",
)


def errors(table, idx, targets, dim=-1):
    """p and onehot of every prediction, (B·T, V) each, and its row, (B·T,)."""
    x, y = idx.flatten(), targets.flatten()
    p = F.softmax(table, dim=dim)[x]
    return p, F.one_hot(y, table.size(1)).to(table), x


def gradient(table, idx, targets, *, combine=torch.sub, by=None, dim=-1, rows="idx"):
    """The errors summed into their rows, divided by B·T; settings make mistakes."""
    p, onehot, x = errors(table, idx, targets, dim)
    x = targets.flatten() if rows == "targets" else x
    n = by(idx, table) if by else idx.numel()
    return torch.zeros_like(table).index_add(0, x, combine(p, onehot) / n)


def added_once(table, idx, targets):
    p, onehot, x = errors(table, idx, targets)
    found = torch.zeros_like(table)
    found[x] += (p - onehot) / idx.numel()
    return found


def mean_by_row(table, idx, targets):
    counts = torch.bincount(idx.flatten(), minlength=len(table)).clamp(min=1)
    return gradient(table, idx, targets, by=lambda i, t: 1) / counts[:, None]


def ask_gradient_of(table: Tensor, idx: list, targets: list):
    return lambda answer: answer(table, torch.tensor(idx), torch.tensor(targets))


table_gradient = Exercise(
    "table_gradient",
    right=gradient,
    cases=[
        Case(
            "V = 2, all logits 0; twice after 0 came 1",
            ask_gradient_of(torch.zeros(2, 2), [[0, 0]], [[1, 1]]),
        ),
        Case(
            "V = 3; after 0 came 1, after 1 came 2, after 0 came 2",
            ask_gradient_of(numbers(3, 3), [[0, 1, 0]], [[1, 2, 2]]),
        ),
        Case(
            "V = 4, two texts of three",
            ask_gradient_of(
                numbers(4, 4, start=9), [[3, 1, 3], [0, 3, 1]], [[1, 3, 1], [3, 1, 3]]
            ),
        ),
    ],
    mistakes=[
        Mistake(
            "sign",
            "The sign is wrong: what was guessed minus what came, p - onehot.",
            partial(gradient, combine=lambda p, o: o - p),
        ),
        Mistake(
            "not divided",
            "The division by B·T is missing: the loss is a mean.",
            partial(gradient, by=lambda i, t: 1),
        ),
        Mistake(
            "divided by B",
            "It is divided by B, the number of texts: there are B·T predictions.",
            partial(gradient, by=lambda i, t: i.size(0)),
        ),
        Mistake(
            "divided by T",
            "It is divided by T, the length of a text: there are B·T predictions.",
            partial(gradient, by=lambda i, t: i.size(1)),
        ),
        Mistake(
            "divided by V as well",
            "It is divided by V as well: the mean runs over predictions, B·T of them.",
            partial(gradient, by=lambda i, t: i.numel() * t.size(1)),
        ),
        Mistake(
            "equal rows added once",
            "A character that occurs twice adds its error once: with equal indices, "
            "found[x] += … keeps only the last. Use index_add_.",
            added_once,
        ),
        Mistake(
            "rows of the targets",
            "The errors go to the rows of the targets: they belong to the row that "
            "was looked up, that of the present character.",
            partial(gradient, rows="targets"),
        ),
        Mistake(
            "columns for rows",
            "Rows and columns have changed places: a row for each present character.",
            lambda table, idx, targets: gradient(table, idx, targets).T,
        ),
        Mistake(
            "what came, only",
            "The guesses p are missing: p - onehot.",
            partial(gradient, combine=lambda p, o: -o),
        ),
        Mistake(
            "what was guessed, only",
            "What came is missing: subtract the one-hot vector of the target.",
            partial(gradient, combine=lambda p, o: p),
        ),
        Mistake(
            "logarithms",
            "These are logarithms of the probabilities: p itself, from the softmax.",
            partial(gradient, combine=lambda p, o: p.log() - o),
        ),
        Mistake(
            "softmax over the rows",
            "The softmax runs down the columns: each row of the table makes one "
            "distribution, dim=-1.",
            partial(gradient, dim=0),
        ),
        Mistake(
            "mean by row",
            "Each row is divided by how often its character occurs: all are divided "
            "by B·T, for the loss is the mean over all predictions.",
            mean_by_row,
        ),
    ],
    praise="each prediction adds (p - onehot) / B·T to the row it looked up.",
)
