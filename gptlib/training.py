"""Training as something you iterate.

    for step in train(model, data, TrainConfig(steps=1000)):
        print(step.step, step.loss)

Read next: `generation.py`, to hear what was learned; `handler.py`, to keep it.
"""

import math
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass

import torch
from torch import Tensor, nn

from gptlib.data import TokenSplits, epoch_windows, random_windows
from gptlib.distributed import average, copy_from_first, my_share, rank, world_size
from gptlib.errors import (
    CompileError,
    DivergedError,
    require_choice,
    require_int,
    require_number,
)
from gptlib.evaluation import check_tokens, evaluate
from gptlib.ngram import prepare_counts
from gptlib.optim import OPTIMIZERS, SCHEDULES, build_optimizer, learning_rate

SAMPLINGS = ("random", "epochs")
PRECISIONS = ("float32", "bfloat16")


@dataclass(frozen=True)
class TrainConfig:
    """Everything a training depends on beside the model and the data.

    steps updates of batch_size windows each; lr is the highest learning rate,
    reached after warmup (a fraction of steps); eval_every=n measures the whole
    validation split after every n-th step, 0 never. optimizer "muon" moves the
    body's matrices by Muon with muon_lr and the rest by AdamW; table_lr is the rate
    of n-gram tables. sampling "epochs" repeats no window before all were seen.
    precision "bfloat16" multiplies in 16 bits, the weights stay in 32; compile lets
    torch.compile fuse the step, at its first. One seed gives one training.
    Raises TypeError or ValueError naming the first field that cannot be.
    """

    steps: int = 1000
    batch_size: int = 16
    lr: float = 1e-3
    schedule: str = "cosine"
    warmup: float = 0.05
    optimizer: str = "adamw"
    muon_lr: float = 0.02
    table_lr: float = 0.02
    sampling: str = "random"
    weight_decay: float = 0.1
    beta1: float = 0.9
    beta2: float = 0.95
    grad_clip: float = 1.0
    eval_every: int = 0
    seed: int = 0
    precision: str = "float32"
    compile: bool = False

    def __post_init__(self):
        require_int("steps", self.steps, 1)
        require_int("batch_size", self.batch_size, 1)
        require_int("eval_every", self.eval_every, 0)
        require_int("seed", self.seed, 0, 2**31 - 1)
        require_number("lr", self.lr, 0.0, 1e3)
        require_number("weight_decay", self.weight_decay, 0.0)
        require_number("grad_clip", self.grad_clip, 1e-12)
        require_number("muon_lr", self.muon_lr, 0.0, 1e3)
        require_number("table_lr", self.table_lr, 0.0, 1e3)
        require_choice("schedule", self.schedule, SCHEDULES)
        require_choice("optimizer", self.optimizer, OPTIMIZERS)
        require_choice("sampling", self.sampling, SAMPLINGS)
        require_choice("precision", self.precision, PRECISIONS)
        require_choice("compile", self.compile, (True, False))
        for name in ("warmup", "beta1", "beta2"):
            require_number(name, getattr(self, name), 0.0, 1.0, below=True)


@dataclass
class Knobs:
    """What may be changed while a training runs; read at the start of each step.

    dropout: None leaves the model's own. lr_scale multiplies the schedule's rate.
    weight_decay: None leaves the configuration's.
    """

    dropout: float | None = None
    lr_scale: float = 1.0
    weight_decay: float | None = None

    def __setattr__(self, name: str, value):
        if name not in KNOB_LIMITS:
            known = ", ".join(KNOB_LIMITS)
            raise ValueError(f"{name!r} is not a knob; there are {known}")
        if value is not None or name == "lr_scale":
            value = require_number(name, value, 0.0, KNOB_LIMITS[name], below=True)
        super().__setattr__(name, value)


KNOB_LIMITS = {"dropout": 1.0, "lr_scale": math.inf, "weight_decay": math.inf}


@dataclass(frozen=True)
class Step:
    """One update: its batch loss in nats a token (dropout on), and where it stands.

    val: whole-split validation loss, where it was measured. tokens: seen so far.
    seconds: spent on updates so far, evaluations not counted.
    """

    step: int
    loss: float
    val: float | None
    lr: float
    tokens: int
    seconds: float


def train(model: nn.Module, data: TokenSplits, config: TrainConfig) -> "Training":
    """Check the arguments at once and return a `Training` to iterate.

    The model is trained in place, on the device it is on.
    Raises ValueError or TypeError when model, data and config do not fit together.
    """
    return Training(model, data, config)


class Training:
    """A training that runs as far as you iterate it; break off and go on at will.

    Iterating yields a `Step` after each of the steps that are left. All state is
    committed before each yield, and a step's randomness depends on (seed, step)
    only: what you draw, print or sample in between changes nothing. In several
    processes (`distributed.py`) each takes its share of the same batch.
    """

    def __init__(self, model: nn.Module, data: TokenSplits, config: TrainConfig):
        if not isinstance(config, TrainConfig):
            raise TypeError(f"config={config!r}: expected a TrainConfig")
        self.model, self.config, self.data = model, config, data
        self.device = next(model.parameters()).device
        check_tokens(model, data.train, "the training split", model.block_size + 1)
        if config.eval_every:
            check_tokens(model, data.val, "the validation split", 2)
        if config.batch_size % world_size():
            raise ValueError(
                f"batch_size={config.batch_size} cannot be shared by {world_size()} "
                "processes: expected a multiple of their number"
            )
        started = time.perf_counter()
        prepare_counts(model, data.train)
        copy_from_first(model.state_dict().values())
        self._train_tokens = data.train.to(self.device)
        self.knobs = Knobs()
        self.optimizer = build_optimizer(model, config)
        self.step, self.seconds = 0, time.perf_counter() - started
        self.history: list[Step] = []
        self.diverged: str | None = None
        self._last_good = [p.detach().clone() for p in model.parameters()]
        self._fast = torch.compile(model) if config.compile else model

    def __len__(self) -> int:
        """Steps left to run."""
        return self.config.steps - self.step

    def __iter__(self) -> Iterator[Step]:
        while self.step < self.config.steps:
            yield self._advance()

    def _advance(self) -> Step:
        if self.diverged:
            raise DivergedError(self.diverged)
        started = time.perf_counter()
        step = self.step + 1
        lr = self._apply_knobs(step)
        batch_size, block_size = self.config.batch_size, self.model.block_size
        idx, targets = self._batch(step)
        loss = self._update(idx, targets, step, lr)
        self.seconds += time.perf_counter() - started
        self.step = step
        val = self._validate(step, lr)
        tokens = step * batch_size * block_size
        self.history.append(Step(step, loss, val, lr, tokens, self.seconds))
        return self.history[-1]

    def _batch(self, step: int) -> tuple[Tensor, Tensor]:
        tokens, seed = self._train_tokens, self.config.seed
        batch_size, block_size = self.config.batch_size, self.model.block_size
        if self.config.sampling == "epochs":
            return epoch_windows(tokens, batch_size, block_size, seed, step)
        generator = torch.Generator().manual_seed(_mix(seed, step))
        return random_windows(tokens, batch_size, block_size, generator)

    def _apply_knobs(self, step: int) -> float:
        config, knobs = self.config, self.knobs
        if knobs.dropout is not None:
            self.model.dropout = knobs.dropout
        decay = knobs.weight_decay
        decay = config.weight_decay if decay is None else decay
        lr = knobs.lr_scale * learning_rate(
            step, config.steps, config.lr, config.warmup, config.schedule
        )
        for group in self.optimizer.param_groups:
            group["lr"] = lr * group["share"]
            group["weight_decay"] = decay if group["decays"] else 0.0
        return lr

    def _update(self, idx: Tensor, targets: Tensor, step: int, lr: float) -> float:
        self.model.train()
        with seeded(_mix(self.config.seed, step, rank()), self.device):
            loss = self._forward(my_share(idx), my_share(targets))
        self.optimizer.zero_grad()
        loss.backward()
        parameters = list(self.model.parameters())
        loss = average(loss, parameters)
        self._require_finite(loss, "the loss", step, lr)
        with torch.no_grad():
            torch._foreach_copy_(self._last_good, parameters)
        norm = nn.utils.clip_grad_norm_(parameters, self.config.grad_clip)
        self._require_finite(norm, "the gradient's norm", step, lr)
        self.optimizer.step()
        return loss.item()

    def _forward(self, idx: Tensor, targets: Tensor) -> Tensor:
        half = self.config.precision == "bfloat16"
        try:
            with torch.autocast(self.device.type, torch.bfloat16, enabled=half):
                return self._fast(idx, targets)[1]
        except Exception as error:
            if not type(error).__module__.startswith("torch._"):
                raise
            first = str(error).strip().partition("\n")[0]
            raise CompileError(
                f"compile=True: torch could not compile the model here ({first}). "
                "Train with compile=False; on a CPU compiling needs a C++ compiler"
            ) from None

    def _validate(self, step: int, lr: float) -> float | None:
        if not self.config.eval_every or step % self.config.eval_every:
            return None
        val = evaluate(self.model, self.data.val).loss
        self._require_finite(torch.tensor(val), "the validation loss", step, lr)
        return val

    def _require_finite(self, value: Tensor, what: str, step: int, lr: float) -> None:
        if torch.isfinite(value):
            return
        with torch.no_grad():
            for parameter, good in zip(
                self.model.parameters(), self._last_good, strict=True
            ):
                parameter.copy_(good)
        self.diverged = (
            f"{what} of step {step} is {value.item()} at learning rate {lr:.3g}. The "
            "model has its last good weights back; train it anew with a lower lr"
        )
        raise DivergedError(self.diverged)

    def state_dict(self) -> dict:
        """Everything needed to go on: step, configuration, weights, optimiser."""
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
        """Go on from a `state_dict()` of a training with the same configuration.

        Raises ValueError when configuration or shapes differ.
        """
        # A configuration saved before a field was there means the field's default.
        if asdict(TrainConfig()) | state["config"] != asdict(self.config):
            raise ValueError(
                f"the saved training ran with {state['config']}, this one has "
                f"{asdict(self.config)}"
            )
        try:
            self.model.load_state_dict(state["model"])
        except RuntimeError as error:
            raise ValueError(f"the saved weights do not fit: {error}") from None
        groups = self.optimizer.state_dict()["param_groups"]
        optimizer = {"state": state["optimizer"], "param_groups": groups}
        self.optimizer.load_state_dict(optimizer)
        self.step, self.seconds = state["step"], state["seconds"]
        self.knobs = Knobs(**state["knobs"])
        self.history = list(state["history"])


# torch has one random state for all threads; two labs may train at once.
_DRAWING = threading.RLock()


@contextmanager
def seeded(seed: int, device: torch.device | str = "cpu"):
    """Draw torch's random numbers from seed inside, and from where it was after."""
    device = torch.device(device)
    accelerators = [] if device.type == "cpu" else [device]
    kind = "cuda" if device.type == "cpu" else device.type
    with _DRAWING, torch.random.fork_rng(devices=accelerators, device_type=kind):
        torch.manual_seed(seed)
        yield


def pick_device() -> torch.device:
    """The fastest device here: "cuda", else Apple's "mps", else "cpu"."""
    if torch.cuda.is_available():
        return torch.device("cuda")
    if torch.backends.mps.is_available():
        return torch.device("mps")
    return torch.device("cpu")


def _mix(seed: int, step: int, rank: int = 0) -> int:
    # Neighbouring seeds must not share batches at neighbouring steps.
    return (seed * 1_000_003 + step * 7_919 + rank * 15_485_863 + 12_345) % 2**31
