"""Training as something you iterate.

    for step in train(model, data, TrainConfig(steps=1000)):
        print(step.step, step.loss)

`update` is one step; `Training` chooses its batch and learning rate, seeds its random
numbers and keeps the last good weights. Read next: `generation.py`, then `handler`.
"""

import math
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from gptlib.data import Examples, TokenSplits, batch_of_step, mix_seeds
from gptlib.errors import DivergedError, compiler_errors
from gptlib.evaluation import check_data, measure
from gptlib.optim import build_optimizer, set_rates
from gptlib.settings import Knobs, TrainConfig, pick_device, seeded, stored_config

__all__ = ["Knobs", "Step", "TrainConfig", "Training", "pick_device", "train", "update"]


def update(model: nn.Module, optimizer, batch, max_norm: float, forward, check):
    """Change the weights of a model once; return the batch's mean loss, in nats.

    forward(idx, targets) gives this loss for the batch, (B, T) each; check(loss, norm)
    may raise an error, and then the weights stay as they are.
    """
    model.train()
    optimizer.zero_grad()
    loss = forward(*batch)
    loss.backward()
    norm = nn.utils.clip_grad_norm_(model.parameters(), max_norm)
    check(loss, norm)
    optimizer.step()
    return loss.item()


@dataclass(frozen=True)
class Step:
    """One update: its number, from 1, and its batch's loss in nats per token.

    train, val: losses measured after it, both alike, with `eval_tokens`; without it
    val is that of the whole split. tokens: seen so far. seconds: spent on updates.
    """

    step: int
    loss: float
    train: float | None
    val: float | None
    lr: float
    tokens: int
    seconds: float


def train(model: nn.Module, data: TokenSplits, config: TrainConfig) -> "Training":
    """Check the arguments and return a `Training` to iterate.

    The model is trained in place, on the device it is on.
    Raises ValueError or TypeError when model, data and config do not fit together.
    """
    return Training(model, data, config)


class Training:
    """A training that runs as far as you iterate it; stop and continue at will.

    Iterating yields a `Step` after each of the remaining steps. All state is
    committed before each yield, and a step's random numbers depend on its seed,
    number and part only: what you draw, print or sample in between changes nothing.
    A subclass may replace any method without an underscore.
    """

    def __init__(self, model: nn.Module, data: TokenSplits, config: TrainConfig):
        if not isinstance(config, TrainConfig):
            raise TypeError(f"config={config!r}: expected a TrainConfig")
        self.model, self.data, self.config = model, data, config
        check_data(model, data, config)
        started = time.perf_counter()
        if not isinstance(data.train, Examples) and hasattr(model, "prepare"):
            model.prepare(data.train)
        self.module = self.wrap(model)
        self.device = next(self.module.parameters()).device
        self.tokens = data.train.to(self.device)
        self.parts, self.first_part = config.accumulate, 0
        self.knobs = Knobs()
        self.optimizer = build_optimizer(self.module, config)
        self.step, self.seconds = 0, time.perf_counter() - started
        self.history: list[Step] = []
        self.diverged: str | None = None
        self._last_good = [weight.detach().clone() for weight in self.weights()]
        self._called = torch.compile(self.module) if config.compile else self.module

    def __len__(self) -> int:
        """Steps left to run."""
        return self.config.steps - self.step

    def __iter__(self) -> Iterator[Step]:
        while self.step < self.config.steps:
            yield self.advance()

    def advance(self) -> Step:
        """Run the next step."""
        if self.diverged:
            raise DivergedError(self.diverged)
        started = time.perf_counter()
        step, config = self.step + 1, self.config
        self.lr, batch = self.apply_knobs(step), self.batch(step)
        module, optimizer, max_norm = self.module, self.optimizer, config.grad_clip
        loss = update(module, optimizer, batch, max_norm, self.forward, self.check)
        self.seconds += time.perf_counter() - started
        self.step = step
        train = val = None
        if config.eval_every and step % config.eval_every == 0:
            train, val = self.measure()
            self._require_finite(val, "the validation loss", step)
        tokens = step * config.batch_size * batch[0].size(1)
        self.history.append(Step(step, loss, train, val, self.lr, tokens, self.seconds))
        return self.history[-1]

    def apply_knobs(self, step: int) -> float:
        """Set dropout, learning rate and decay for a step; return the rate."""
        if self.knobs.dropout is not None:
            self.model.dropout = self.knobs.dropout
        return set_rates(self.optimizer, step, self.config, self.knobs)

    def batch(self, step: int) -> tuple[Tensor, Tensor]:
        """Return inputs and targets of a step, (B, T) each."""
        return batch_of_step(self.tokens, self.model.block_size, self.config, step)

    def wrap(self, model: nn.Module) -> nn.Module:
        """Return what is called and trained in the model's stead."""
        return model

    def forward(self, idx: Tensor, targets: Tensor) -> Float[Tensor, ""]:
        """Return the batch's mean loss, to go backward from."""
        size, total = len(idx) // self.parts, 0.0
        parts = zip(idx.split(size), targets.split(size), strict=True)
        for part, rows in enumerate(parts):
            loss = self.part_loss(part, *rows)
            if part + 1 < self.parts:  # its activations are freed before the next part
                loss.backward()
                loss = loss.detach()
            total = total + loss
        return total

    def part_loss(self, part: int, idx: Tensor, targets: Tensor) -> Float[Tensor, ""]:
        """Call the model; return what one part adds to the batch's mean loss."""
        seed = mix_seeds(self.config.seed, self.step + 1, self.first_part + part)
        half = self.config.precision == "bfloat16"
        precision = torch.autocast(self.device.type, torch.bfloat16, enabled=half)
        with compiler_errors(self.config.compile), seeded(seed, self.device), precision:
            return self._called(idx, targets)[1] / self.parts

    def check(self, loss: Tensor, norm: Tensor) -> None:
        """Stop at a loss or gradient that is not finite, and keep the weights."""
        self._require_finite(loss.item(), "the loss", self.step + 1)
        with torch.no_grad():
            torch._foreach_copy_(self._last_good, self.weights())
        self._require_finite(norm.item(), "the gradient's norm", self.step + 1)

    def weights(self) -> list[Tensor]:
        """Return the tensors that the optimiser changes."""
        return list(self.module.parameters())

    def restore(self) -> None:
        """Give the model its last good weights back."""
        with torch.no_grad():
            torch._foreach_copy_(self.weights(), self._last_good)

    def measure(self) -> tuple[float | None, float]:
        """Return the losses of train and val; see `evaluation.measure`."""
        count = self.config.eval_tokens
        return measure(self.module, self.data.train, self.data.val, count)

    def _require_finite(self, value: float, what: str, step: int) -> None:
        if math.isfinite(value):
            return
        self.restore()
        self.diverged = (
            f"{what} of step {step} is {value} at learning rate {self.lr:.3g}. "
            "The model has its last good weights back; train it anew with a lower lr"
        )
        raise DivergedError(self.diverged)

    def state_dict(self) -> dict:
        """Return all that is needed to resume: step, weights, optimiser, settings."""
        return {
            "step": self.step,
            "seconds": self.seconds,
            "config": asdict(self.config),
            "knobs": asdict(self.knobs),
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict()["state"],
            "history": list(self.history),
        }

    def load_state_dict(self, state: dict) -> None:
        """Resume from the `state_dict()` of a training with the same configuration.

        `accumulate` may differ. Raises ValueError when anything else does.
        """
        saved, own = asdict(stored_config(state["config"])), asdict(self.config)
        if saved | {"accumulate": own["accumulate"]} != own:
            raise ValueError(f"the saved training ran with {saved}, this one has {own}")
        try:
            self.model.load_state_dict(state["model"])
        except RuntimeError as error:
            raise ValueError(f"the saved weights do not fit: {error}") from None
        optimizer = self.optimizer.state_dict() | {"state": state["optimizer"]}
        self.optimizer.load_state_dict(optimizer)
        self.step, self.seconds = state["step"], state["seconds"]
        self.knobs = Knobs(**state["knobs"])
        self.history = list(state["history"])
