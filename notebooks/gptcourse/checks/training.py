"""Exercise of 06_training: the loop, with a model and optimiser that note their use."""

from functools import partial

import torch
from torch import Tensor, nn

from gptcourse.checks.before.core import Case, Exercise, Mistake


class Line(nn.Module):
    """A model of three weights that notes what is done with it.

    In training mode it does what a dropout with a fixed mask would do.
    """

    def __init__(self, log: list[str]):
        super().__init__()
        self.w = nn.Parameter(torch.tensor([1.0, -1.0]))
        self.b = nn.Parameter(torch.tensor(0.5))
        self.log = log

    def forward(self, x, targets=None):
        mask = torch.tensor([1.5, 0.5]) if self.training else 1.0
        y = (x * mask) @ self.w + self.b
        if targets is None:
            return y, None
        self.log.append("forward")
        loss = (y - targets).square().mean()
        if loss.requires_grad:
            loss.register_hook(lambda _: self.log.append("backward"))
        return y, loss

    def zero_grad(self, set_to_none: bool = True) -> None:
        self.log.append("zero_grad")
        super().zero_grad(set_to_none)


class Descent(torch.optim.Optimizer):
    """Gradient descent that notes its calls.

    Without torch's own __init__, which takes seconds at its first call.
    """

    def __init__(self, model: Line):
        self.param_groups = [{"params": list(model.parameters()), "lr": 1.0}]
        self.state, self.defaults = {}, {}
        self.log = model.log

    @torch.no_grad()
    def step(self, closure=None):
        self.log.append("step")
        for group in self.param_groups:
            for p in (p for p in group["params"] if p.grad is not None):
                p -= group["lr"] * p.grad

    def zero_grad(self, set_to_none: bool = True) -> None:
        self.log.append("zero_grad")
        for group in self.param_groups:
            for p in group["params"]:
                p.grad = None


TRAIN = [
    (torch.tensor([[1.0, 2.0], [0.0, 1.0]]), torch.tensor([2.0, 0.0])),
    (torch.tensor([[2.0, 0.0], [1.0, 1.0]]), torch.tensor([1.0, 3.0])),
    (torch.tensor([[1.0, 0.0], [2.0, 1.0]]), torch.tensor([-1.0, 2.0])),
]
VAL = [
    (torch.tensor([[1.0, 1.0], [3.0, 1.0]]), torch.tensor([1.0, 2.0])),
    (torch.tensor([[0.0, 2.0], [1.0, 2.0]]), torch.tensor([0.0, 1.0])),
]


def ask_training(measure, n=3, rates=(0.1, 0.05, 0.01), max_norm=1e9):
    """A probe: train anew on n batches, then measure(model, losses, val)."""

    def probe(answer):
        model = Line([]).eval()  # as an evaluation left it
        losses, val = answer(
            model, Descent(model), TRAIN[:n], VAL, list(rates[:n]), max_norm
        )
        return measure(model, losses, val)

    return probe


def calls(model, losses, val) -> str:
    """The order of backward and step; zero_grad only where it does harm."""
    log, shown = [call for call in model.log if call != "forward"], []
    for i, call in enumerate(log):
        later = [c for c in log[i:] if c != "zero_grad"]
        harms = call == "zero_grad" and log[i - 1 : i] == ["backward"]
        if call != "zero_grad" or (harms and later[:1] == ["step"]):
            shown.append(call)
    return ", ".join(shown) or "nothing"


def weights(model, *results):
    return torch.cat([model.w, model.b[None]])


def loss_numbers(model, losses, val):
    return [float(loss) for loss in losses]


def no_graphs(model, losses, val):
    kept = any(isinstance(loss, Tensor) and loss.requires_grad for loss in losses)
    return "tensors that keep their graph" if kept else "plain numbers"


@torch.no_grad()
def losses_of(model, batches):
    return [model(*batch)[1].item() for batch in batches]


def val_number(model, losses, val):
    return val


def loop(
    model,
    optimizer,
    batches,
    val_batches,
    rates,
    max_norm,
    *,
    plan="rzfbcs",
    mode=True,
    val_mode=False,
    value=lambda loss: loss.item(),
    mean=lambda values: sum(values) / len(values),
    learn_from_val=False,
):
    """The loop, and with other plans the mistakes one makes in it."""
    losses = []
    model.train(mode)
    moments = {
        "r": lambda rate: [g.update(lr=rate) for g in optimizer.param_groups],
        "z": lambda _: optimizer.zero_grad(),
        "b": lambda _: loss.backward(),
        "c": lambda _: nn.utils.clip_grad_norm_(model.parameters(), max_norm),
        "e": lambda _: [
            nn.utils.clip_grad_norm_([p], max_norm) for p in model.parameters()
        ],
        "s": lambda _: optimizer.step(),
    }
    val_steps = [(*batch, rates[-1], True) for batch in val_batches]
    steps = [(*b, rate, False) for b, rate in zip(batches, rates, strict=True)]
    for idx, targets, rate, is_val in steps + (val_steps if learn_from_val else []):
        for moment in plan:
            if moment == "f":
                loss = model(idx, targets)[1]
            else:
                moments[moment](rate)
        if not is_val:
            losses.append(value(loss))
    model.train(val_mode)
    return losses, mean(losses_of(model, val_batches))


def val_first(model, optimizer, batches, val_batches, rates, max_norm):
    model.eval()
    val = losses_of(model, val_batches)
    losses, _ = loop(model, optimizer, batches, val_batches, rates, max_norm)
    return losses, sum(val) / len(val)


def val_of_train(model, optimizer, batches, val_batches, rates, max_norm):
    return loop(model, optimizer, batches, batches, rates, max_norm)


def only_losses(*given):
    return loop(*given)[0]


def rate_set_after(model, optimizer, batches, val_batches, rates, max_norm):
    optimizer.param_groups[0]["lr"] = rates[0]
    late = [rates[0], *rates[:-1]]
    return loop(model, optimizer, batches, val_batches, late, max_norm)


training_loop = Exercise(
    "training_loop",
    right=loop,
    cases=[
        Case("calls in a training of two batches", ask_training(calls, 2)),
        Case("w and b after one batch", ask_training(weights, 1)),
        Case("w and b after two batches", ask_training(weights, 2)),
        Case("w and b after one batch, max_norm = 1", ask_training(weights, 1, [1], 1)),
        Case(
            "w and b after three batches, max_norm = 3",
            ask_training(weights, 3, (0.1, 0.05, 0.01), 3.0),
        ),
        Case("the losses", ask_training(loss_numbers)),
        Case("what the list of losses holds", ask_training(no_graphs, 2)),
        Case("the mean loss over the two batches of val", ask_training(val_number)),
    ],
    mistakes=[
        Mistake(
            "zero_grad missing",
            "zero_grad is missing: backward adds to the gradients that are there, so "
            "each step also follows all batches before it.",
            partial(loop, plan="rfbcs"),
        ),
        Mistake(
            "zero_grad after backward",
            "zero_grad comes between backward and step: it clears the gradients that "
            "the step needs, and no weight moves.",
            partial(loop, plan="rfbzcs"),
        ),
        Mistake(
            "step before backward",
            "The step comes before backward: it follows the gradients of the batch "
            "before, the first has none at all. First backward, then step.",
            partial(loop, plan="rfszb"),
        ),
        Mistake(
            "cleared, step, backward",
            "The step comes right after zero_grad, before backward: there is no "
            "gradient to follow, and no weight moves.",
            partial(loop, plan="rzfsb"),
        ),
        Mistake(
            "step missing",
            "optimizer.step() is missing: gradients are computed, no weight moves.",
            partial(loop, plan="rzfbc"),
        ),
        Mistake(
            "backward missing",
            "loss.backward() is missing: without gradients a step moves nothing.",
            partial(loop, plan="rzfs"),
        ),
        Mistake(
            "not clipped",
            "The gradients are not clipped when the step is taken: after backward has "
            "computed them, and before the step, the norm must come down to max_norm.",
            partial(loop, plan="rzfbs"),
        ),
        Mistake(
            "clipped one by one",
            "Each tensor is clipped by itself: the norm is that of all gradients "
            "together, so that the direction of the step stays.",
            partial(loop, plan="rzfbes"),
        ),
        Mistake(
            "rates ignored",
            "The rates are not used. A rate is set for each step with "
            '`for group in optimizer.param_groups: group["lr"] = rate`.',
            partial(loop, plan="zfbcs"),
        ),
        Mistake(
            "rate one step late",
            "Each rate comes one step late: it is set after the step it is for.",
            rate_set_after,
        ),
        Mistake(
            "learned from val",
            "The model was trained on val, too: its loss there is no longer a score. "
            "No backward and no step on val.",
            partial(loop, learn_from_val=True),
        ),
        Mistake(
            "dropout active on val",
            "val was measured in training mode, with dropout active: call model.eval() "
            "before.",
            partial(loop, val_mode=True),
        ),
        Mistake(
            "trained in eval mode",
            "The model was trained in eval mode, without its dropout: an evaluation "
            "may have left it so. Call model.train() first.",
            partial(loop, mode=False),
        ),
        Mistake(
            "trained in eval, measured in training mode",
            "The modes are swapped: model.train() for training, model.eval() for val.",
            partial(loop, mode=False, val_mode=True),
        ),
        Mistake(
            "losses keep their graphs",
            "The list holds tensors with all they were computed from, so that memory "
            "grows with every step: append loss.item().",
            partial(loop, value=lambda loss: loss),
        ),
        Mistake(
            "sum over val",
            "val is the sum over its batches: expected their mean.",
            partial(loop, mean=sum),
        ),
        Mistake(
            "last batch of val",
            "val is the loss of its last batch: expected the mean over all.",
            partial(loop, mean=lambda values: values[-1]),
        ),
        Mistake(
            "val first",
            "val was measured before the training: expected after it.",
            val_first,
        ),
        Mistake(
            "val of train",
            "The score is that of the batches trained on: take val_batches.",
            val_of_train,
        ),
        Mistake(
            "only one batch",
            "Only the first batch was trained on: is the `return` inside the loop?",
            lambda model, optimizer, batches, val_batches, rates, max_norm: loop(
                model, optimizer, batches[:1], val_batches, rates[:1], max_norm
            ),
        ),
        Mistake(
            "only losses",
            "Two things come back: return losses, val.",
            only_losses,
        ),
    ],
    praise="rate, zero_grad, backward, clip, step; val in eval mode.",
)
