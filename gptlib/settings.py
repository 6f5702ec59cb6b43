"""What a training depends on: its configuration, knobs, seeds and device.

Read next: `training.py`, which uses them.
"""

import math
import threading
from contextlib import contextmanager
from dataclasses import dataclass

import torch

from gptlib.errors import require_choice, require_int, require_number
from gptlib.optim import OPTIMIZERS, SCHEDULES

SAMPLINGS = ("random", "epochs")
PRECISIONS = ("float32", "bfloat16")


@dataclass(frozen=True)
class TrainConfig:
    """Everything a training depends on besides the model and the data.

    One seed gives one training. accumulate: the batch goes through the model in so
    many parts, which needs less memory and gives the same gradients. optimizer "muon"
    moves the matrices of the blocks by Muon, the rest by AdamW. sampling "epochs"
    repeats no window before all were seen. Raises TypeError or ValueError naming the
    first field that is impossible.
    """

    steps: int = 1000  # updates of the weights
    batch_size: int = 16  # windows in each
    lr: float = 1e-3  # the highest learning rate
    schedule: str = "cosine"  # how it falls to zero: cosine or linear; or constant
    warmup: float = 0.05  # the fraction of steps in which it first rises, in [0, 1)
    optimizer: str = "adamw"  # or muon, for the matrices of the blocks
    muon_lr: float = 0.02  # the highest learning rate of Muon
    table_lr: float = 0.02  # the highest learning rate of n-gram tables
    sampling: str = "random"  # or epochs: no window again before all were seen
    weight_decay: float = 0.1  # of matrices, times the learning rate; at least 0
    beta1: float = 0.9  # how long AdamW remembers gradients, in [0, 1)
    beta2: float = 0.95  # how long it remembers their squares, in [0, 1)
    grad_clip: float = 1.0  # longer gradients are cut to this length
    eval_every: int = 0  # steps between evaluations; 0 for none
    eval_tokens: int | None = None  # of train and of val, fixed; None: the whole val
    seed: int = 0  # the same seed gives the same training
    precision: str = "float32"  # or bfloat16: multiply in 16 bits, store in 32
    compile: bool = False  # let torch.compile fuse the step, when it first runs
    accumulate: int = 1  # parts in which a batch is computed: less memory

    def __post_init__(self):
        self._keep_int("steps", 1, 10**12)
        self._keep_int("batch_size", 1, 10**9)
        self._keep_int("eval_every", 0)
        if self.eval_tokens is not None:
            self._keep_int("eval_tokens", 1)
        self._keep_int("seed", 0, 2**31 - 1)
        self._keep_int("accumulate", 1)
        for name in ("lr", "muon_lr", "table_lr"):
            self._keep_number(name, 1e-12, 1e3)
        self._keep_number("weight_decay", 0.0)
        self._keep_number("grad_clip", 1e-12)
        for name in ("warmup", "beta1", "beta2"):
            self._keep_number(name, 0.0, 1.0, below=True)
        require_choice("schedule", self.schedule, SCHEDULES)
        require_choice("optimizer", self.optimizer, OPTIMIZERS)
        require_choice("sampling", self.sampling, SAMPLINGS)
        require_choice("precision", self.precision, PRECISIONS)
        require_choice("compile", self.compile, (True, False))
        if self.batch_size % self.accumulate:
            raise ValueError(
                f"batch_size={self.batch_size} cannot be divided into "
                f"accumulate={self.accumulate} equal parts: expected a multiple of "
                f"{self.accumulate}"
            )

    def _keep_int(self, name: str, *limits) -> None:
        """Check a field and keep it as an int, whatever kind of whole number it was."""
        number = require_int(name, getattr(self, name), *limits)
        object.__setattr__(self, name, number)

    def _keep_number(self, name: str, *limits, **kind) -> None:
        number = require_number(name, getattr(self, name), *limits, **kind)
        object.__setattr__(self, name, number)


def stored_config(fields: dict) -> TrainConfig:
    """Return the configuration that was stored as fields, maybe by an older version.

    Fields that are missing take their defaults. Raises TypeError or ValueError.
    """
    if not isinstance(fields, dict):
        raise TypeError(f"config={fields!s:.60}: expected the fields of TrainConfig")
    return TrainConfig(**{k: v for k, v in fields.items() if k not in RETIRED})


RETIRED = ("parallel",)  # fields of older versions that no longer mean anything


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


# torch has one random state for all threads, and two trainings may run at once.
_DRAWING = threading.RLock()


@contextmanager
def seeded(seed: int, device: torch.device | str = "cpu"):
    """Seed torch's random numbers inside, and restore their state afterwards."""
    device = torch.device(device)
    accelerators = [] if device.type == "cpu" else [device]
    kind = "cuda" if device.type == "cpu" else device.type
    with _DRAWING, torch.random.fork_rng(devices=accelerators, device_type=kind):
        # torch.manual_seed seeds all kinds of devices, for 0.5 to 2 ms.
        one = torch.manual_seed if accelerators else torch.default_generator.manual_seed
        one(seed)
        yield


def pick_device() -> torch.device:
    """Return the fastest device here: "cuda", else Apple's "mps", else "cpu"."""
    if torch.cuda.is_available():
        return torch.device("cuda")
    if torch.backends.mps.is_available():
        return torch.device("mps")
    return torch.device("cpu")
