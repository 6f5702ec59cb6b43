"""What a training depends on beside model and data, and what may change meanwhile.

Read next: `training.py`, which does as they say.
"""

import math
from dataclasses import dataclass

from gptlib.errors import require_choice, require_int, require_number
from gptlib.optim import OPTIMIZERS, SCHEDULES
from gptlib.scale.parallel import WAYS

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
    torch.compile fuse the step, at its first. accumulate: the batch goes through the
    model in so many parts, shared by the processes: less memory, the same gradients.
    parallel: how several processes train (`parallel.py`); "sharded" brings the weights
    back to the model at the end and for `state_dict()` only. One seed gives one
    training, in however many processes.
    Raises TypeError or ValueError naming the first field that cannot be.
    """

    steps: int = 1000  # updates of the weights
    batch_size: int = 16  # windows in each
    lr: float = 1e-3  # the highest learning rate
    schedule: str = "cosine"  # how it falls to zero: cosine or linear; or constant
    warmup: float = 0.05  # it first rises for this share of the steps, in [0, 1)
    optimizer: str = "adamw"  # or muon, for the blocks' matrices
    muon_lr: float = 0.02  # the highest learning rate of Muon
    table_lr: float = 0.02  # the highest learning rate of n-gram tables
    sampling: str = "random"  # or epochs: no window again before all were seen
    weight_decay: float = 0.1  # of matrices, times the learning rate; at least 0
    beta1: float = 0.9  # how long AdamW remembers gradients, in [0, 1)
    beta2: float = 0.95  # how long it remembers their squares, in [0, 1)
    grad_clip: float = 1.0  # longer gradients are cut to this length
    eval_every: int = 0  # steps between measurements of the whole val; 0 for none
    seed: int = 0  # the same seed gives the same training
    precision: str = "float32"  # or bfloat16: multiply in 16 bits
    compile: bool = False  # let torch.compile fuse the step, at its first
    accumulate: int = 1  # parts that a batch is worked through in: less memory
    parallel: str = "average"  # or overlapped, sharded: how processes train together

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
        require_int("accumulate", self.accumulate, 1)
        require_choice("parallel", self.parallel, WAYS)
        if self.parallel == "sharded" and self.optimizer == "muon":
            raise ValueError(
                "parallel='sharded', optimizer='muon': Muon moves whole matrices, of "
                "which each process has a part only; choose optimizer='adamw'"
            )
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
