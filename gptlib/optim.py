"""How a step changes the weights: which ones decay, and how the rate moves.

AdamW as in *Language Models are Few-Shot Learners* (arXiv 2005.14165), appendix B.
Muon (Jordan et al., 2024) moves a matrix in all its directions alike, whatever the
size of the gradient in each. Read next: `training.py`, which calls it.
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn

SCHEDULES = ("cosine", "linear", "constant")
OPTIMIZERS = ("adamw", "muon")


def learning_rate(step: int, steps: int, lr: float, warmup: float, schedule: str):
    """The rate of update step (1..steps) of a training.

    Rises linearly to lr over the first warmup·steps updates, then stays
    ("constant") or falls to almost zero along half a cosine or a line.
    """
    rise = round(warmup * steps)
    if step <= rise:
        return lr * step / rise
    done = (step - rise - 1) / max(1, steps - rise)  # 0 ... just under 1
    if schedule == "cosine":
        return lr * (1 + math.cos(math.pi * done)) / 2
    if schedule == "linear":
        return lr * (1 - done)
    return lr


def parameter_groups(model: nn.Module) -> list[dict]:
    """Split a model's parameters into those that decay and those that do not.

    Only the matrices inside the body decay: no embedding, no position, no output
    head, no bias and no LayerNorm.
    """
    decayed = {
        id(module.weight): module.weight
        for name, module in model.named_modules()
        if isinstance(module, nn.Linear) and not name.endswith("lm_head")
    }
    others = [p for p in model.parameters() if id(p) not in decayed]
    groups = [
        {"params": list(decayed.values()), "decays": True},
        {"params": others, "decays": False},
    ]
    return [group for group in groups if group["params"]]


def build_optimizer(model: nn.Module, config) -> "torch.optim.AdamW | Together":
    """The optimiser that a TrainConfig names, over `parameter_groups`.

    Each group carries `lr_factor`, its rate as a multiple of the schedule's: n-gram
    tables, of which a step sees few rows, have a rate of their own, Muon another.
    """
    groups = parameter_groups(model)
    for group in groups:
        group["lr_factor"] = 1.0
        group["weight_decay"] = config.weight_decay if group["decays"] else 0.0
    groups += split_tables(model, groups[-1], config.table_lr / config.lr)
    matrices, rest = groups[:1], groups[1:]
    if config.optimizer == "adamw" or not matrices[0]["decays"]:
        return adamw(groups, config)
    matrices[0]["lr_factor"] = config.muon_lr / config.lr
    return Together(Muon(matrices), adamw(rest, config))


def set_rates(optimizer, step: int, config, knobs) -> float:
    """Set learning rate and weight decay of all groups for update `step`.

    They are those of a TrainConfig, changed by Knobs. Returns the learning rate.
    """
    decay = knobs.weight_decay
    decay = config.weight_decay if decay is None else decay
    lr = knobs.lr_scale * learning_rate(
        step, config.steps, config.lr, config.warmup, config.schedule
    )
    for group in optimizer.param_groups:
        group["lr"] = lr * group["lr_factor"]
        group["weight_decay"] = decay if group["decays"] else 0.0
    return lr


def split_tables(model: nn.Module, group: dict, lr_factor: float) -> list[dict]:
    """Move the n-gram tables of a group to a group of their own, if there are any."""
    bags = [m for m in model.modules() if isinstance(m, nn.EmbeddingBag)]
    tables = {id(bag.weight): bag.weight for bag in bags}
    if not tables:
        return []
    group["params"] = [p for p in group["params"] if id(p) not in tables]
    return [group | {"params": list(tables.values()), "lr_factor": lr_factor}]


def adamw(groups: list[dict], config) -> torch.optim.AdamW:
    """torch's AdamW with the rates of a TrainConfig."""
    betas = (config.beta1, config.beta2)
    # One pass over each tensor instead of a dozen: a tenth of a small model's step.
    return torch.optim.AdamW(groups, lr=config.lr, betas=betas, eps=1e-8, fused=True)


class Muon(torch.optim.Optimizer):
    """Momentum, then the nearest matrix whose singular values are all about 1.

    For matrices only. Equals torch.optim.Muon, but works in float32, which every
    processor multiplies fast, and on all matrices of one shape at once.
    """

    def __init__(self, params, lr: float = 0.02, momentum: float = 0.95):
        super().__init__(params, {"lr": lr, "momentum": momentum, "weight_decay": 0.0})

    @torch.no_grad()
    def step(self) -> None:
        for group in self.param_groups:
            by_shape = {}
            for p in (p for p in group["params"] if p.grad is not None):
                by_shape.setdefault(p.shape, []).append(p)
            for params in by_shape.values():
                self._step(params, group)

    def _step(self, params: list[nn.Parameter], group: dict) -> None:
        lr, momentum = group["lr"], group["momentum"]
        means = [
            self.state[p].setdefault("momentum", torch.zeros_like(p)) for p in params
        ]
        grads = [p.grad for p in params]
        torch._foreach_lerp_(means, grads, 1 - momentum)
        ahead = torch._foreach_lerp(grads, means, momentum)  # Nesterov's look ahead
        updates = orthogonalise(torch.stack(ahead))  # (N, out, in)
        rows, columns = updates.shape[1:]
        # So that an entry of the output moves alike, whatever the matrix's shape.
        updates = updates * max(1.0, rows / columns) ** 0.5
        torch._foreach_mul_(params, 1 - lr * group["weight_decay"])
        torch._foreach_add_(params, list(updates), alpha=-lr)


def orthogonalise(
    matrices: Float[Tensor, "N R C"], steps: int = 5
) -> Float[Tensor, "N R C"]:
    """Bring all singular values near 1, keeping the singular vectors.

    Newton–Schulz: an odd polynomial of a matrix acts on its singular values alone,
    and this one pushes everything in (0, 1] towards about 0.7 to 1.2.
    """
    a, b, c = 3.4445, -4.7750, 2.0315
    tall = matrices.size(1) > matrices.size(2)
    X = matrices.mT if tall else matrices
    X = X / (X.norm(dim=(1, 2), keepdim=True) + 1e-7)
    for _ in range(steps):
        A = X @ X.mT  # (N, R, R)
        X = a * X + (b * A + c * A @ A) @ X
    return X.mT if tall else X


class Together:
    """Two optimisers that a training handles as one."""

    def __init__(self, *optimizers: torch.optim.Optimizer):
        self.optimizers = optimizers

    @property
    def param_groups(self) -> list[dict]:
        """The groups of all."""
        return [group for each in self.optimizers for group in each.param_groups]

    def zero_grad(self) -> None:
        for each in self.optimizers:
            each.zero_grad()

    def step(self) -> None:
        for each in self.optimizers:
            each.step()

    def state_dict(self) -> dict:
        """As torch's optimisers have it, the parameters numbered through."""
        state, groups, first = {}, [], 0
        for each in self.optimizers:
            own = each.state_dict()
            state |= {first + i: values for i, values in own["state"].items()}
            groups += own["param_groups"]
            first += sum(len(group["params"]) for group in each.param_groups)
        return {"state": state, "param_groups": groups}

    def load_state_dict(self, saved: dict) -> None:
        """Take back what `state_dict` gave."""
        first = 0
        for each in self.optimizers:
            count = sum(len(group["params"]) for group in each.param_groups)
            state = {
                i - first: values
                for i, values in saved["state"].items()
                if first <= i < first + count
            }
            groups = each.state_dict()["param_groups"]
            each.load_state_dict({"state": state, "param_groups": groups})
            first += count
