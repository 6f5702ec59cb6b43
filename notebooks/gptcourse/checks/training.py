"""Exercises of 06_training: the loop, and one step from a batch in pieces."""

import torch
from torch import Tensor, nn, tensor

from gptcourse.checks.core import Case, Exercise
from gptcourse.checks.fixed import numbers
from gptcourse.checks.recognise import Mistake


class Curve(nn.Module):
    """A model that notes its use; in training mode it has a fixed dropout."""

    def __init__(self):
        super().__init__()
        self.w = nn.Parameter(tensor([1.0, -1.0]))
        self.u = nn.Parameter(tensor([0.2, 0.3]))
        self.b = nn.Parameter(tensor(0.5))
        self.log = []

    def forward(self, idx, targets):
        mask = tensor([1.5, 0.5]) if self.training else 1.0
        y = (idx * mask) @ self.w + idx.square() @ self.u + self.b
        loss = (y - targets).square().mean()
        if loss.requires_grad:
            self.log.append("forward")
            loss.register_hook(lambda _: self.log.append("backward"))
        return y, loss


class Descent(torch.optim.Optimizer):
    """Gradient descent with two groups; torch's own __init__ would take seconds."""

    def __init__(self, model: Curve):
        groups = [model.w], [model.u, model.b]
        self.param_groups = [{"params": group, "lr": 1.0} for group in groups]
        self.state, self.defaults = {}, {}
        self.log = model.log

    @torch.no_grad()
    def step(self, closure=None):
        self.log.append("step")
        for group in self.param_groups:
            for p in (p for p in group["params"] if p.grad is not None):
                p -= group["lr"] * p.grad

    def zero_grad(self, set_to_none: bool = True) -> None:
        for p in (p for group in self.param_groups for p in group["params"]):
            p.grad = None


def batches_of(*sizes: int, start=0) -> list:
    """Batches of so many rows: pairs of inputs (rows, 2) and targets (rows,)."""
    return [
        (numbers(n, 2, start=start + 10 * i), numbers(n, start=start + 10 * i + 7))
        for i, n in enumerate(sizes)
    ]


MEASURES = {
    "calls": lambda model, _: ", ".join(c for c in model.log if c != "forward"),
    "calls with forward": lambda model, _: ", ".join(model.log),
    "weights": lambda model, _: torch.cat([model.w, model.u, model.b[None]]),
    "losses": lambda _, back: list(map(float, back[0])),
    "kept losses": lambda _, back: list(map(kind, back[0])),
    "loss of val": lambda _, back: float(back[1]),
    "loss": lambda _, loss: float(loss),
    "kind of loss": lambda _, loss: kind(loss),
}


def kind(loss) -> str:
    return "a tensor" if isinstance(loss, Tensor) else "a number"


def heard(calls: str, says: str) -> Mistake:
    """A mistake that the calls show, those of the first case."""
    return Mistake(says, when=lambda got, _: got[0] == calls.strip(", "))


def ask_training(what, n=3, rates=(0.1, 0.05, 0.01), max_norm=1e9, n_val=2):
    """A case: train anew on n batches, and measure what."""

    def probe(answer):
        model = Curve().eval()  # as an evaluation left it
        train, val = batches_of(*[2] * n), batches_of(*[3] * n_val, start=50)
        given = Descent(model), train, val, list(rates[:n]), max_norm
        losses, loss = answer(model, *given)
        return MEASURES[what](model, (losses, loss))

    limit = "" if max_norm == 1e9 else f", max_norm = {max_norm}"
    return Case(f"{what}, training batches: {n}, of val: {n_val}{limit}", probe)


training_loop = Exercise(
    """
def my_training(model, optimizer, batches, val_batches, rates, max_norm):
    losses = []
    model.train()
    for (idx, targets), rate in zip(batches, rates, strict=True):
        for group in optimizer.param_groups:
            group["lr"] = rate
        loss = model(idx, targets)[1]
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), max_norm)
        optimizer.step()
        losses.append(loss.item())
    model.eval()
    with torch.no_grad():
        val = [model(idx, targets)[1].item() for idx, targets in val_batches]
    return losses, sum(val) / len(val)
""",
    praise="set the rate, clear, backward, clip, step; val without learning.",
    cases=[
        ask_training("calls", 2),
        *(ask_training("weights", n) for n in (1, 2)),
        ask_training("weights", 1, [1.0], max_norm=1),
        ask_training("weights", max_norm=3.0),
        *(ask_training(x, n_val=3) for x in ("losses", "kept losses", "loss of val")),
        ask_training("loss of val"),
    ],
    mistakes="""
optimizer.zero_grad() =>
    zero_grad is missing in the loop: backward adds to the gradients that are there.
nn.utils.clip_grad_norm_(model.parameters(), max_norm) =>
    The gradients are not clipped when the step is taken: clip after backward.
- nn.utils.clip_grad_norm_(model.parameters(), max_norm)
+ [nn.utils.clip_grad_norm_(p, max_norm) for p in model.parameters()]
    Each tensor is clipped by itself: the norm is that of all gradients together.
group["lr"] = rate => pass
    The rates are not used: set each in optimizer.param_groups, group["lr"] = rate.
losses.append(loss.item()) => losses.append(loss.item()); model.eval()
    From the second batch on, the model is in evaluation mode: model.train() again.
group["lr"] = rate => group["lr"] = rates[len(losses) - 1] if losses else group["lr"]
    Each rate comes one step late: set it before the step that it is for.
model.eval() =>
    val was measured in training mode, with dropout: call model.eval() before.
loss.item() => loss
    The list holds tensors, not plain numbers, and memory may grow with every step:
    append loss.item().
loss.item() => model(idx, targets)[1].item()
    The losses are measured after each step: take those that backward started from.
loss.backward() => loss.backward(); optimizer.zero_grad()
    The gradients are cleared before the step: clear them before backward.
clip_grad_norm_ => clip_grad_value_
    Each number is cut at the limit: shorten all by one factor, `clip_grad_norm_`.
""",
    more=[
        heard("backward, step, " * 4, "It is trained on val, too: val only scores."),
        heard("backward, " * 2, "Another optimizer takes the steps: use this one."),
    ],
)


def ask_pieces(what, *sizes: int, left: float = 0.0):
    """A case: one step from pieces of so many rows; left: gradients from before."""

    def probe(answer):
        model = Curve().train()
        for p in model.parameters() if left else []:
            p.grad = torch.full_like(p, left)
        return MEASURES[what](model, answer(model, Descent(model), batches_of(*sizes)))

    title = f"{what}, pieces of {', '.join(map(str, sizes))} rows"
    return Case(title + ", old gradients" * bool(left), probe)


accumulated_step = Exercise(
    """
def my_accumulated_step(model, optimizer, pieces):
    rows = sum(len(idx) for idx, _ in pieces)
    optimizer.zero_grad()
    total = 0.0
    for idx, targets in pieces:
        loss = model(idx, targets)[1] * len(idx) / rows
        loss.backward()
        total += loss.item()
    optimizer.step()
    return total
""",
    praise="the same step as from the whole batch, in the memory of one piece.",
    cases=[
        ask_pieces("calls with forward", 2, 2),
        *(ask_pieces("weights", *rows) for rows in ((3,), (2, 2), (1, 3), (2, 1, 3))),
        ask_pieces("weights", 2, 2, left=10.0),
        *(ask_pieces("loss", *rows) for rows in ((1, 3), (2, 1, 3))),
        ask_pieces("kind of loss", 2, 2),
    ],
    mistakes="""
return total => return torch.tensor(total)
    The loss is given back as a tensor: return a plain number, loss.item().
* len(idx) / rows =>
    The pieces' mean losses are added: each counts by its share of the rows.
* len(idx) / rows => / len(pieces)
    Every piece counts alike: weigh each mean with the piece's share of the rows.
optimizer.zero_grad() =>
loss = model => optimizer.zero_grad(); loss = model
    zero_grad stands inside the loop: only the last piece's gradient is left.
loss.backward() => (loss * rows / len(idx)).backward()
    backward starts from each piece's plain mean: start from its weighted loss.
loss.backward() =>
total += loss.item() => total = total + loss
optimizer.step() => total.backward(); optimizer.step(); total = total.item()
    Graphs of several pieces are in memory at once: backward right after each forward.
total += loss.item() => total = loss.item() * rows / len(idx)
    The loss given back is that of the last piece: return the mean over all rows.
- total += loss.item()
+ total += loss.item() * rows / len(idx) / len(pieces)
    The loss given back is the mean of the pieces' means: weigh them by their rows.
loss.backward() => (loss * rows).backward()
    The gradient is that of a sum: divide by the rows of all pieces before backward.
""",
    more=[
        heard("forward, backward, step, " * 2, "Each piece has a step: take only one."),
        heard(
            "forward, backward, step",
            "model is called once for all: call it, and backward, for each piece.",
        ),
    ],
)
