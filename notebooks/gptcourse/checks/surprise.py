"""More exercises of 01_bigram: the loss, written out, and its gradient."""

import torch
from torch import tensor

from gptcourse.checks.core import Case, Exercise
from gptcourse.checks.fixed import numbers

HALF = tensor([[[2.0, 1.0, 1.0], [1.0, 1.0, 6.0]]]).log()  # p = 1/2 and 3/4 of 0 and 2


def logits_and_targets(B: int, T: int, V: int, add: float = 0.0):
    targets = (numbers(B, T).abs() * 10).long() % V
    return numbers(B, T, V, start=7) + add, targets


next_token_loss = Exercise(
    "next_token_loss",
    """
def my_loss(logits, targets):
    logs = F.log_softmax(logits, dim=-1)  # (B, T, V)
    chosen = logs.gather(-1, targets[..., None])  # (B, T, 1)
    return -chosen.mean()  # ()
""",
    praise="the mean of -ln p(target) over all B·T predictions, in nats.",
    cases=[
        Case(
            "two predictions; the targets have p = 1/2 and 3/4",
            args=(HALF, tensor([[0, 2]])),
        ),
        Case("one prediction of two", args=logits_and_targets(1, 1, 2)),
        Case("two texts of three, V = 4", args=logits_and_targets(2, 3, 4)),
        Case("three texts of three, V = 3", args=logits_and_targets(3, 3, 3)),
        Case("about 200, V = 5", args=logits_and_targets(3, 2, 5, 200.0), large=True),
        Case("p of e^-150", args=(tensor([[[150.0, 0.0]]]), tensor([[1]])), large=True),
        Case("three texts of two, V = 5", args=logits_and_targets(3, 2, 5)),
    ],
    mistakes="""
mean => sum
    This is the sum over all predictions: return the mean.
-chosen.mean() => -chosen.squeeze(-1)
    This holds one surprise per prediction, (B, T): return their mean.
mean() => mean(dim=(1, 2))
    This holds one loss per text, (B,): return the mean over all.
mean() => sum() / len(logits)
    The sum is divided by B: there are B·T predictions.
mean() => sum() / targets.size(1)
    The sum is divided by T: there are B·T predictions.
dim=-1 => dim=1
    The softmax runs over the positions, axis 1: each prediction's V numbers become
    probabilities, dim=-1.
dim=-1 => dim=0
    The softmax runs over the texts, axis 0: each prediction's V numbers become
    probabilities, dim=-1.
mean() => mean() / math.log(2)
    This is in bits, from a logarithm to base 2: take nats, the natural one.
mean() => exp().mean().log()
    The mean is taken before the logarithm: each prediction has its own surprise, and
    the loss is their mean.
F.log_softmax(logits, dim=-1) => logits
    The logits are used as they are: make logarithms of probabilities of them first.
F.log_softmax(logits, dim=-1) => logits.log()
    The logarithm of the logits is taken: they are no probabilities, and may be
    negative. Take the softmax first.
F.log_softmax(logits, dim=-1) => F.log_softmax(F.softmax(logits, dim=-1), dim=-1)
    The softmax is taken twice: F.cross_entropy contains it and expects the logits.
log_softmax(logits, dim=-1) => softmax(logits, dim=-1).log()
    A softmax and then its logarithm: where p is below 1e-45 it becomes 0, and the loss
    infinite. F.log_softmax computes both steps in one, safely.
-chosen => chosen.exp()
    This is the mean probability of the targets: surprise is -ln p.
-chosen => (1 - chosen.exp())
    This is the mean of 1 - p: surprise is -ln p.
chosen.mean() => logs.mean()
    This averages over all V characters: only the one that came counts, each
    prediction's target.
+ return right(logits[:, :-1], targets[:, 1:])
    The targets are moved by one once more: they are the next characters already.
+ return right(logits[:, -1:], targets[:, -1:])
    Only the last position counts: a window is T predictions.
+ return right(logits[:1], targets[:1])
    Only the first text counts: average over the whole batch.
+ return F.cross_entropy(logits.reshape(len(logits), -1, logits.size(1)), targets)
    The logits are reshaped to (B, V, T), which mixes the predictions: transpose(1, 2),
    or flatten the first two axes.
+ return F.cross_entropy(logits, targets)
    F.cross_entropy expects the V numbers in axis 1: flatten (B, T, V) to (B·T, V) and
    the targets to (B·T,).
""",
)


table_gradient = Exercise(
    "table_gradient",
    """
def my_gradient(table, idx, targets):
    guesses = F.softmax(table[idx], dim=-1)  # (B, T, V)
    errors = guesses - F.one_hot(targets, table.size(1))  # (B, T, V)
    errors = errors.flatten(0, 1) / idx.numel()  # (B·T, V)
    return torch.zeros_like(table).index_add(0, idx.flatten(), errors)
""",
    praise="each prediction adds (p - onehot) / B·T to the row it looked up.",
    gradients=False,  # the result is a gradient already
    forbid=("backward",),
    cases=[
        Case(
            "V = 2, all logits 0; twice after 0 came 1",
            args=(torch.zeros(2, 2), tensor([[0, 0]]), tensor([[1, 1]])),
        ),
        Case(
            "V = 3; after 0 came 1, after 1 came 2, after 0 came 2",
            args=(numbers(3, 3), tensor([[0, 1, 0]]), tensor([[1, 2, 2]])),
        ),
        Case(
            "V = 4, two texts of three",
            args=(
                numbers(4, 4, start=9),
                tensor([[3, 1, 3], [0, 3, 1]]),
                tensor([[1, 3, 1], [3, 1, 3]]),
            ),
        ),
        Case(
            "V = 5, three texts of two, logits up to ±300",
            large=True,
            args=(
                numbers(5, 5, start=9, size=300.0),
                tensor([[3, 1], [0, 4], [1, 3]]),
                tensor([[1, 3], [2, 1], [3, 0]]),
            ),
        ),
    ],
    mistakes="""
/ idx.numel() => / 1
    The division by B·T is missing: the loss is a mean.
idx.numel() => idx.size(0)
    It is divided by B, the number of texts: there are B·T predictions.
idx.numel() => idx.size(1)
    It is divided by T, the length of a text: there are B·T predictions.
idx.numel() => (idx.numel() * table.size(1))
    It is divided by V as well: the mean runs over the B·T predictions.
- return torch.zeros_like(table).index_add(0, idx.flatten(), errors)
+ found = torch.zeros_like(table)
+     found[idx.flatten()] += errors
+     return found
    A character that occurs twice adds its error once: with equal indices, found[x] += …
    keeps only the last. Use index_add_.
(0, idx.flatten() => (0, targets.flatten()
    The errors go to the rows of the targets: they belong to the row that was looked up,
    that of the present character.
guesses - F => -F
errors.flatten(0, 1) => errors.to(table).flatten(0, 1)
    The guesses p are missing: p - onehot.
- F.one_hot(targets, table.size(1)) =>
    What came is missing: subtract the one-hot vector of the target.
softmax => log_softmax
    These are logarithms of the probabilities: take p itself, from the softmax.
F.softmax(table[idx], dim=-1) => F.softmax(table, dim=0)[idx]
    The softmax runs down the columns: each row of the table makes one distribution,
    dim=-1.
F.softmax(table[idx], dim=-1) => table[idx]
    These are the logits: make probabilities of them first, by the softmax.
+ n = torch.bincount(idx.flatten(), minlength=len(table)).clamp(min=1)
+ return right(table, idx, targets) * idx.numel() / n[:, None]
    Each row is divided by how often its character occurs: divide all by B·T, for the
    loss is the mean over all predictions.
""",
)
