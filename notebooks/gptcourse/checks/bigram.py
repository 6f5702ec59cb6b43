"""Exercises of 01_bigram: draws, and the loss with its gradient."""

from torch import tensor

from gptcourse.checks.core import Case, Exercise
from gptcourse.checks.fixed import numbers
from gptcourse.checks.values import number

draw_next = Exercise(
    """
def my_draw(logits, u):
    ends = F.softmax(logits, dim=-1).cumsum(0)  # (V,)
    return torch.searchsorted(ends, torch.tensor(u))  # ()
""",
    praise="the longer an id's piece, the more points u fall into it.",
    result=number,
    cases=[
        Case(f"p = {p}, u = {u}{more}", args=(tensor(p).log() + add, u), large=add > 99)
        for p, points, add, more in (
            ([0.2, 0.5, 0.3], (0.1, 0.6, 0.9), 0.0, ""),
            ([0.2, 0.5, 0.3], (0.15, 0.25, 0.65, 0.75), 3.0, ", logits ln p + 3"),
            ([0.1, 0.1, 0.7, 0.1], (0.05, 0.15, 0.25, 0.75, 0.95), 0.0, ""),
            ([0.3, 0.0, 0.4, 0.3], (0.29, 0.31), 500.0, ", logits ln p + 500"),
            ([0.05, 0.15, 0.8], (0.0, 0.07, 0.999), 0.0, ""),
            ([1.0], (0.4,), 0.0, ""),
        )
        for u in points
    ],
    mistakes="""
F.softmax(logits, dim=-1) => logits
    It draws from the logits: turn them into probabilities with the softmax first.
F.softmax(logits, dim=-1) => logits.exp()
    The exponentials are not divided by their sum: the pieces must fill 0 to 1.
+ p, ids = F.softmax(logits, dim=-1).sort(descending=True, stable=True)
+ return ids[(p.cumsum(0) < u).sum()]
    The pieces lie in order of size: they must lie in order of the ids.
+ return (F.softmax(logits, dim=-1) > u).int().argmax()
    u is compared with single probabilities: cumulate them first.
+ return (F.softmax(logits, dim=-1).cumsum(0) > u).sum()
    It counts the ends above u: the id is the number of ends below u.
+ return (right(logits, u) + 1).clamp(max=len(logits) - 1)
    It stops one id too late: add an id's own part first, then compare the sum with u.
+ p = F.softmax(logits, dim=-1)
+ return (p > u).int().argmax() if (p > u).any() else p.argmax()
    Each probability is compared with u by itself: compare their running sum.
F.softmax(logits, dim=-1) => (logits - logits.max()).exp()
    The pieces fill more than 0 to 1: divide the exponentials by their sum.
""",
)


HALF = tensor([[[2.0, 1.0, 1.0], [1.0, 1.0, 6.0]]]).log()  # p = 1/2 and 3/4 of 0 and 2


def logits_and_targets(B: int, T: int, V: int, add: float = 0.0):
    targets = (numbers(B, T).abs() * 10).long() % V
    return numbers(B, T, V, start=7) + add, targets


next_token_loss = Exercise(
    """
def my_loss(logits, targets):
    logs = F.log_softmax(logits, dim=-1)  # (B, T, V)
    chosen = logs.gather(-1, targets[..., None])  # (B, T, 1)
    return -chosen.mean()  # ()
""",
    learns=True,
    praise="the mean of -ln p(target) over all B·T predictions, in nats.",
    cases=[
        Case("the targets have p = 1/2 and 3/4", args=(HALF, tensor([[0, 2]]))),
        Case("three texts of three, V = 3", args=logits_and_targets(3, 3, 3)),
        Case("two texts of three, V = 4", args=logits_and_targets(2, 3, 4)),
        Case("about 200, V = 5", args=logits_and_targets(3, 2, 5, 200.0), large=True),
        Case("p of e^-150", args=(tensor([[[150.0, 0.0]]]), tensor([[1]])), large=True),
        Case("three texts of two, V = 5", args=logits_and_targets(3, 2, 5)),
    ],
    mistakes="""
mean() => sum() / len(logits)
    The sum is divided by B: there are B·T predictions.
mean() => exp().mean().log()
    The mean is taken before the logarithm: take the mean of the surprises.
F.log_softmax(logits, dim=-1) => F.log_softmax(F.softmax(logits, dim=-1), dim=-1)
    The softmax is taken twice: F.cross_entropy contains it and expects the logits.
-chosen => chosen.exp()
    This is the mean probability of the targets: surprise is -ln p.
logs.gather(-1, targets[..., None]) => logs.amax(-1)
    This is the surprise at the likeliest character: take that at the target.
+ return right(logits[:, :-1], targets[:, 1:])
    The targets are moved by one once more: they are the next characters already.
+ return right(logits[:, -1:], targets[:, -1:])
    Only the last position counts: a window is T predictions.
+ return F.cross_entropy(logits.reshape(len(logits), -1, logits.size(1)), targets)
    The logits are reshaped to (B, V, T): use transpose(1, 2), or flatten.
+ return F.cross_entropy(logits, targets)
    F.cross_entropy expects V in axis 1: flatten logits to (B·T, V), targets to (B·T,).
""",
)


def ask_table(V: int, idx: list, targets: list, size: float = 2.0) -> Case:
    """A case: logits up to ± size; each of idx was followed by its target."""
    args = numbers(V, V, start=9, size=size), tensor(idx), tensor(targets)
    title = f"V = {V}, logits up to {size:g}, after {idx} came {targets}"
    return Case(title, args=args, large=size > 99)


table_gradient = Exercise(
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
        ask_table(2, [[0, 0]], [[1, 1]], size=0.0),
        ask_table(3, [[0, 1, 0]], [[1, 2, 2]]),
        ask_table(4, [[3, 1, 3], [0, 3, 1]], [[1, 3, 1], [3, 1, 3]]),
        ask_table(5, [[3, 1], [0, 4], [1, 3]], [[1, 3], [2, 1], [3, 0]], size=300.0),
    ],
    mistakes="""
idx.numel() => idx.size(0)
    It is divided by B, the number of texts: there are B·T predictions.
- return torch.zeros_like(table).index_add(0, idx.flatten(), errors)
+ found = torch.zeros_like(table)
+     found[idx.flatten()] += errors
+     return found
    A character that occurs twice adds its error once (found[x] += …): use index_add_.
+ n = torch.bincount(idx.flatten(), minlength=len(table)).clamp(min=1)
+ return right(table, idx, targets) * idx.numel() / n[:, None]
    Each row is divided by how often its character occurs: divide all by B·T.
+ n = torch.zeros_like(table).index_put((idx, targets), torch.tensor(1.0), True)
+ return F.softmax(table, dim=-1) - n / n.sum(1, keepdim=True).clamp(min=1)
    Each row is guess less share: one not looked up is 0, a prediction weighs 1 / B·T.
/ idx.numel() => / 1
    The division by B·T is missing: the loss is a mean.
""",
)
