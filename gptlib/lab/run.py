"""One run of the lab: a training, what was measured on the way, what was turned."""

import math
import time
from dataclasses import dataclass, field
from itertools import chain

from jaxtyping import Int
from torch import Tensor, nn

from gptlib.cache import get_dropout
from gptlib.data import TokenSplits
from gptlib.errors import DivergedError
from gptlib.evaluation import PROBE_TOKENS, evaluate, fixed_windows, window_loss
from gptlib.generation import stream
from gptlib.streaming import whole_characters
from gptlib.tokenizer import CharTokenizer
from gptlib.training import Step, TrainConfig, Training

CHECK_EVERY = 50
SAMPLE_EVERY = 250
SAMPLE_TOKENS = 160


@dataclass(frozen=True)
class Check:
    """Losses on the two fixed pieces after a step, dropout off, in nats per token.

    A token is whatever the data's tokenizer makes: lower is better only among runs on
    the same tokens. Whole splits compare in bits a character: `evaluate`.
    """

    step: int
    train: float
    val: float

    @property
    def gap(self) -> float:
        return self.val - self.train


@dataclass(frozen=True)
class Turn:
    """The first step on which a knob had a new value."""

    step: int
    knob: str
    value: float


@dataclass
class Record:
    """What is kept of a run: the knobs it began with, its steps, checks and turns.

    steps: how many it was to have. usual_decay: the configuration's weight decay.
    whole_val: the whole split's loss, once it is over. unit: what a token is; losses
    are in nats for each. norms: of each step's gradient, before clipping.
    """

    knobs: dict[str, float]
    steps: int
    name: str = ""
    history: list[Step] = field(default_factory=list)
    checks: list[Check] = field(default_factory=list)
    turns: list[Turn] = field(default_factory=list)
    sample: str = ""
    whole_val: float | None = None
    usual_decay: float = 0.1
    unit: str = "character"
    norms: list[float] = field(default_factory=list, repr=False)

    @property
    def best(self) -> Check | None:
        """The check with the lowest val; None before the first."""
        return min(self.checks, key=lambda check: check.val, default=None)

    def settings(self) -> str:
        """Knobs in words, with what was turned on the way."""
        words = [f"dropout {self.knobs['dropout']:g}"]
        if self.knobs.get("lr_scale", 1) != 1:
            words.append(f"rate × {self.knobs['lr_scale']:.3g}")
        if self.knobs.get("weight_decay", self.usual_decay) != self.usual_decay:
            words.append(f"decay {self.knobs['weight_decay']:g}")
        for turn in settled(self.turns, self.steps // 50):
            first = turn.knob == "dropout" and len(words) == 1
            what = "" if first else f"{WORDS[turn.knob]} "
            words.append(f"→ {what}{turn.value:.3g} at {turn.step:,}")
        return " ".join(words)


WORDS = {"dropout": "dropout", "lr_scale": "rate ×", "weight_decay": "decay"}


def settled(turns: list[Turn], apart: int) -> list[Turn]:
    """Of several turns of one knob in close succession, the last."""
    kept: list[Turn] = []
    for turn in turns:
        same = [old for old in kept if old.knob == turn.knob]
        if same and turn.step - same[-1].step < apart:
            kept.remove(same[-1])
        kept.append(turn)
    return kept


class Watched(Training):
    """A training that keeps the norm of its last gradient, before clipping."""

    norm = math.nan

    def check(self, loss: Tensor, norm: Tensor) -> None:
        super().check(loss, norm)
        self.norm = norm.item()


class Run:
    """Advances a training by one step at a time and keeps its record.

    `wanted` holds the knobs as somebody last set them; they act from the next step.
    """

    def __init__(
        self, model: nn.Module, data: TokenSplits, config: TrainConfig, wanted: dict
    ):
        self.model, self.data, self.config = model, data, config
        self.wanted = wanted
        self.training = Watched(model, data, config)
        decay = config.weight_decay
        pieces = not isinstance(data.tokenizer, CharTokenizer | None)
        unit = "token" if pieces else "character"
        self.record = Record(dict(wanted), config.steps, usual_decay=decay, unit=unit)
        self._applied: dict[str, float] = {}
        self._pieces = [
            fixed_windows(tokens, model.block_size, PROBE_TOKENS)
            for tokens in (data.train, data.val)
        ]
        self.wall_seconds = 0.0

    def advance(self) -> bool:
        """Take one step; returns whether there are more."""
        started = time.perf_counter()
        self._apply_knobs()
        step = next(iter(self.training))
        self.record.norms.append(self.training.norm)
        self.record.history.append(step)
        if step.step % CHECK_EVERY == 0 or not len(self.training):
            self.record.checks.append(self._check(step))
        if step.step % SAMPLE_EVERY == 0 or not len(self.training):
            self.record.sample = self._sample()
        self.wall_seconds += time.perf_counter() - started
        return len(self.training) > 0

    def finish(self) -> None:
        """Measure the whole validation split, once."""
        self.record.whole_val = evaluate(self.model, self.data.val).loss

    def _check(self, step: Step) -> Check:
        losses = [window_loss(self.model, *piece) for piece in self._pieces]
        if not all(map(math.isfinite, losses)):
            raise DivergedError(
                f"after step {step.step} the losses are {losses} at learning rate "
                f"{step.lr:.3g}: reset, and train with a lower rate"
            )
        return Check(step.step, *losses)

    def _apply_knobs(self) -> None:
        wanted = dict(self.wanted)
        step = self.training.step + 1
        if step == 1:
            self.record.knobs |= wanted
        for knob, value in wanted.items():
            if self._applied.get(knob) == value:
                continue
            setattr(self.training.knobs, knob, value)
            if knob in self._applied:
                self.record.turns.append(Turn(step, knob, value))
        self._applied = wanted

    def _sample(self) -> str:
        tokenizer = self.data.tokenizer
        if tokenizer is None:
            return ""
        start = first_character(self.data.train, tokenizer)  # (n,)
        idx = start[None].to(self.training.device)  # (1, n)
        new = stream(self.model, idx, SAMPLE_TOKENS, temperature=0.8, seed=1)
        tokens = chain(start.tolist(), new)
        return "".join(whole_characters(tokens, tokenizer.decode))

    def tokens_per_second(self) -> float:
        history = self.record.history[-100:]
        if len(history) < 2:
            return 0.0
        first, last = history[0], history[-1]
        return (last.tokens - first.tokens) / max(last.seconds - first.seconds, 1e-9)

    def seconds_left(self) -> float:
        """At the pace so far, measuring and sampling included."""
        done = len(self.record.history)
        return self.wall_seconds / max(done, 1) * len(self.training)


def first_character(tokens: Int[Tensor, " N"], tokenizer) -> Int[Tensor, " n"]:
    """The first tokens of a text, as many as make a whole character: 1 to 4."""
    for count in (1, 2, 3):
        if not tokenizer.decode(tokens[:count]).endswith("\ufffd"):
            return tokens[:count]
    return tokens[:4]


def first_knobs(model: nn.Module, config: TrainConfig) -> dict[str, float]:
    """The knobs as the model and the configuration have them."""
    return {
        "dropout": get_dropout(model),
        "lr_scale": 1.0,
        "weight_decay": config.weight_decay,
    }
