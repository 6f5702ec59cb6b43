"""Training as something you iterate.

    for step in train(model, data, TrainConfig(steps=1000)):
        print(step.step, step.loss)

Read next: `generation.py`, to hear what was learned; `handler.py`, to keep it.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass

import torch
from torch import Tensor, nn

from gptlib.data import Examples, TokenSplits, epoch_windows, random_windows
from gptlib.errors import CompileError, DivergedError
from gptlib.evaluation import check_examples, check_tokens
from gptlib.optim import build_optimizer, learning_rate
from gptlib.scale.distributed import MyRows, copy_from_first, rank, world_size
from gptlib.scale.parallel import shared_loss, team_up
from gptlib.settings import Knobs, TrainConfig


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
        _check_train(model, data.train, config)
        if config.eval_every:
            check_tokens(model, data.val, "the validation split", 2)
        self._parts = _parts_of_each(config)
        started = time.perf_counter()
        if hasattr(model, "prepare") and not isinstance(data.train, Examples):
            model.prepare(data.train)
        copy_from_first(model.state_dict().values())
        self._team = team_up(model, config.parallel)
        self.device = next(self._team.working.parameters()).device
        tokens = data.train.to(self.device)
        self._train_tokens = MyRows(tokens) if world_size() > 1 else tokens
        self.knobs = Knobs()
        self.optimizer = build_optimizer(self._team.working, config)
        self.step, self.seconds = 0, time.perf_counter() - started
        self.history: list[Step] = []
        self.diverged: str | None = None
        self._last_good = [p.detach().clone() for p in self._team.local()]
        module = self._team.module
        self._fast = torch.compile(module) if config.compile else module

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
        idx, targets = self._batch(step)
        loss = self._update(idx, targets, step, lr)
        self.seconds += time.perf_counter() - started
        self.step = step
        if len(self) == 0:
            self._team.collect()
        val = self._validate(step, lr)
        tokens = step * self.config.batch_size * idx.size(1)
        self.history.append(Step(step, loss, val, lr, tokens, self.seconds))
        return self.history[-1]

    def _batch(self, step: int) -> tuple[Tensor, Tensor]:
        """Inputs and next tokens of a step; of several processes, each its rows."""
        tokens, seed = self._train_tokens, self.config.seed
        batch_size, block_size = self.config.batch_size, self.model.block_size
        if isinstance(tokens, Examples):
            return tokens.batch(batch_size, seed, step)
        if self.config.sampling == "epochs":
            return epoch_windows(tokens, batch_size, block_size, seed, step)
        generator = torch.Generator().manual_seed(_mix(seed, step))
        return random_windows(tokens, batch_size, block_size, generator)

    def _apply_knobs(self, step: int) -> float:
        config, knobs = self.config, self.knobs
        if knobs.dropout is not None:
            self.model.dropout = self._team.working.dropout = knobs.dropout
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
        self.optimizer.zero_grad()
        loss = self._team.mean(self._backward(idx, targets, step))
        self._require_finite(loss, "the loss", step, lr)
        with torch.no_grad():
            torch._foreach_copy_(self._last_good, self._team.local())
        parameters = list(self._team.working.parameters())
        norm = nn.utils.clip_grad_norm_(parameters, self.config.grad_clip)
        self._require_finite(self._team.whole(norm), "the gradient's norm", step, lr)
        self.optimizer.step()
        return loss.item()

    def _backward(self, idx: Tensor, targets: Tensor, step: int) -> Tensor:
        """Gradients of this process's share, part after part; its mean loss."""
        self._team.working.train()
        total = torch.zeros((), device=self.device)
        size = len(idx) // self._parts
        parts = zip(idx.split(size), targets.split(size), strict=True)
        for part, (idx, targets) in enumerate(parts):
            # A part's dropout is its own, whichever process works on it.
            number = rank() * self._parts + part
            with self._team.between(last=part + 1 == self._parts):
                with seeded(_mix(self.config.seed, step, number), self.device):
                    loss = self._forward(idx, targets)
                (loss / self._parts).backward()
            total += loss.detach() / self._parts
        return total

    def _forward(self, idx: Tensor, targets: Tensor) -> Tensor:
        half = self.config.precision == "bfloat16"
        try:
            with torch.autocast(self.device.type, torch.bfloat16, enabled=half):
                return self._fast(idx, targets)[1]
        except Exception as error:
            compiler = type(error).__module__.startswith("torch._")
            if not (self.config.compile and compiler):
                raise
            first = str(error).strip().partition("\n")[0]
            raise CompileError(
                f"compile=True: torch could not compile the model here ({first}). "
                "Train with compile=False; on a CPU compiling needs a C++ compiler"
            ) from None

    def _validate(self, step: int, lr: float) -> float | None:
        if not self.config.eval_every or step % self.config.eval_every:
            return None
        val = shared_loss(self._team.working, self.data.val)
        self._require_finite(torch.tensor(val), "the validation loss", step, lr)
        return val

    def _require_finite(self, value: Tensor, what: str, step: int, lr: float) -> None:
        if torch.isfinite(value):
            return
        with torch.no_grad():
            torch._foreach_copy_(self._team.local(), self._last_good)
        self._team.collect()
        self.diverged = (
            f"{what} of step {step} is {value.item()} at learning rate {lr:.3g}. The "
            "model has its last good weights back; train it anew with a lower lr"
        )
        raise DivergedError(self.diverged)

    def state_dict(self) -> dict:
        """Everything needed to go on: step, configuration, weights, optimiser.

        Of several processes all must ask for it, and all get the same.
        """
        self._team.collect()
        optimizer = {
            i: {key: self._team.whole(value) for key, value in values.items()}
            for i, values in self.optimizer.state_dict()["state"].items()
        }
        return {
            "step": self.step,
            "seconds": self.seconds,
            "config": asdict(self.config),
            "knobs": asdict(self.knobs),
            "model": self.model.state_dict(),
            "optimizer": optimizer,
            "history": list(self.history),
        }

    def load_state_dict(self, state: dict) -> None:
        """Go on from a `state_dict()` of a training with the same configuration.

        The number of processes, `accumulate` and `parallel` may be others. Raises
        ValueError when the rest of the configuration or shapes differ.
        """
        # A configuration saved before a field was there means the field's default.
        free = {name: getattr(self.config, name) for name in ("accumulate", "parallel")}
        if asdict(TrainConfig()) | state["config"] | free != asdict(self.config):
            raise ValueError(
                f"the saved training ran with {state['config']}, this one has "
                f"{asdict(self.config)}"
            )
        try:
            self.model.load_state_dict(state["model"])
        except RuntimeError as error:
            raise ValueError(f"the saved weights do not fit: {error}") from None
        self._team.spread()
        groups = self.optimizer.param_groups
        parameters = [p for group in groups for p in group["params"]]
        shares = {
            i: {k: self._team.share(v, parameters[i]) for k, v in values.items()}
            for i, values in state["optimizer"].items()
        }
        groups = self.optimizer.state_dict()["param_groups"]
        optimizer = {"state": shares, "param_groups": groups}
        self.optimizer.load_state_dict(optimizer)
        self.step, self.seconds = state["step"], state["seconds"]
        self.knobs = Knobs(**state["knobs"])
        self.history = list(state["history"])


def _check_train(model: nn.Module, split, config: TrainConfig) -> None:
    if not isinstance(split, Examples):
        check_tokens(model, split, "the training split", model.block_size + 1)
        return
    check_examples(model, split)
    if max(config.accumulate, world_size()) > 1:
        raise ValueError(
            f"accumulate={config.accumulate} in {world_size()} processes: the parts of "
            "a batch of examples have different numbers of targets, and their mean is "
            "not the batch's; train in one process with accumulate=1"
        )


def _parts_of_each(config: TrainConfig) -> int:
    """How many parts of a batch each process works through, one after another."""
    processes = world_size()
    parts = max(config.accumulate, processes)
    if parts % processes:
        raise ValueError(
            f"accumulate={parts} parts cannot be shared by {processes} processes: "
            "expected a multiple of their number"
        )
    if config.batch_size % parts:
        raise ValueError(
            f"batch_size={config.batch_size} cannot be shared by {processes} processes "
            f"in {parts} parts: expected a multiple of {parts}"
        )
    return parts // processes


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
