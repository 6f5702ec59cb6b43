"""model2: eight transformers teach one, with text that they write themselves.

    python -m gptcourse.experiments.distilling models/my_model2

First on train without dev, where STUDENTS differ and dev chooses one, then the same
with all of train: TEACHERS are trained alone, and each writes texts; the students learn
the teachers' averaged predictions on these, and the next characters of train. At last
n-gram counts are mixed in. Four minutes on one H200; about a day on a laptop. Read
next: `models/search.md`.
"""

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path

import torch
import torch.nn.functional as F
import tyro
from jaxtyping import Float, Int
from torch import Tensor

from gptcourse.experiments.stacked import (
    Recipe,
    Stacked,
    Trainer,
    hard_loss,
    logits,
    split_losses,
    text_batches,
)
from gptcourse.experiments.writing import Writer
from gptlib.composed import Mixture
from gptlib.data import TokenSplits, load_corpus
from gptlib.evaluation import evaluate
from gptlib.handler import ModelHandler
from gptlib.modern import ADDED, ModernConfig, ModernGPT
from gptlib.ngram import CountedNGrams
from gptlib.settings import TrainConfig, pick_device
from gptlib.tokenizer import CharTokenizer
from gptlib.training import Step

PARTS = dict.fromkeys(ADDED, True)
SHAPE = ModernConfig(n_layer=5, n_head=6, n_embd=192, block_size=256, **PARTS)
DECAYS = (0.1, 0.1, 0.4, 0.8)
TEACHERS = tuple(
    Recipe(dropout, decay, seed=4 * i + j)
    for i, dropout in enumerate((0.2, 0.3))
    for j, decay in enumerate(DECAYS)
)


@dataclass(frozen=True)
class Student(Recipe):
    """A recipe, and what its batches are made of.

    real: the share of windows out of train. soft: the share of the teachers in the
    targets of these; the rest is the character that really follows. counted: the share
    of n-gram counts in the targets of what the teachers wrote; the rest is theirs.
    """

    real: float = 0.25
    soft: float = 0.5
    counted: float = 0.0


STUDENTS = tuple(
    Student(0.1, real=real, soft=soft, counted=counted)
    for real in (0.25, 0.5)
    for soft in (0.0, 0.7)
    for counted in (0.0, 0.2)
)
WEIGHTS = (1.0, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95)  # beside counts


@dataclass(frozen=True)
class Plan:
    """How much of everything."""

    shape: ModernConfig = SHAPE
    teachers: tuple[Recipe, ...] = TEACHERS
    students: tuple[Student, ...] = STUDENTS
    batch: int = 16
    teacher_steps: int = 2000
    student_steps: int = 6000
    rounds: int = 2  # in each, every teacher writes so many texts
    texts: int = 2048
    begin: int = 16  # characters of train that a text begins with
    order: int = 6  # of the n-grams


def main(folder: Path) -> None:
    """Choose on dev, train on everything, save.

    Args:
        folder: The folder of the model, and of report.json.
    """
    torch.set_float32_matmul_precision("high")
    device = pick_device().type
    call = logits if device == "cpu" else torch.compile(logits)
    corpus = load_corpus("tinyshakespeare")
    data = corpus.encode(CharTokenizer(corpus.text))
    Distillation(Plan(), data, folder, device, call).run()


class Distillation:
    """The stages of a plan; what they find goes to `report.json` in the folder."""

    def __init__(
        self, plan: Plan, data: TokenSplits, folder: Path, device: str, call: Callable
    ):
        self.plan, self.data, self.folder = plan, data, folder
        self.device, self.call, self.started = device, call, time.perf_counter()
        self.length, self.report = plan.shape.block_size, {}
        folder.mkdir(parents=True, exist_ok=True)

    def run(self) -> None:
        """All stages."""
        tuning, plan = self.data.for_tuning(), self.plan
        students = self.teach(tuning, plan.students, "dev")
        best, weight = self.choose(students, tuning)
        final = tuple(replace(best, seed=seed) for seed in range(len(plan.students)))
        students = self.teach(self.data, final, "all")
        self.save(students.model(0), weight)

    def note(self, name: str, value: object) -> None:
        """Keep a result, and when it was there."""
        seconds = round(time.perf_counter() - self.started, 1)
        self.report[name] = {"seconds": seconds, "value": value}
        print(f"{seconds:6.1f} s  {name}: {value}", flush=True)
        (self.folder / "report.json").write_text(json.dumps(self.report, indent=1))

    def teach(
        self, data: TokenSplits, students: Sequence[Student], name: str
    ) -> Stacked:
        """Train teachers on data.train, let them write, train students."""
        plan, tokens = self.plan, data.train.to(self.device)
        teachers, counts = self.fresh(plan.teachers), self.count(data)
        trainer = Trainer(teachers, plan.teachers, plan.teacher_steps, self.call)
        batches = text_batches(data.train, plan.teachers, plan.batch, self.length)
        self.note(f"{name}: teachers' losses", trainer.run(batches, hard_loss).tolist())
        if name == "dev":
            for each in (True, False):
                found = self.losses(teachers, counts, data.val, each)
                self.note(f"dev: teachers, {'each' if each else 'averaged'}", found)
        texts = self.write(teachers, tokens)
        taught = Taught(tokens, texts, *self.label(teachers, counts, tokens, texts))
        self.note(f"{name}: written and labelled", list(texts.shape))
        pupils = self.fresh(students)
        trainer = Trainer(pupils, students, plan.student_steps, self.call)
        batches = partial(taught.batch, students, plan.batch)
        self.note(f"{name}: students' losses", trainer.run(batches, soft_loss).tolist())
        return pupils

    def fresh(self, recipes: Sequence[Recipe]) -> Stacked:
        """Untrained models, one for each recipe."""
        torch.manual_seed(len(recipes))
        return Stacked([ModernGPT(self.plan.shape) for _ in recipes], self.device)

    def count(self, data: TokenSplits) -> CountedNGrams:
        V = self.plan.shape.vocab_size
        counts = CountedNGrams.fit(data.train, V, self.plan.order, self.length)
        return counts.eval().to(self.device)

    def write(
        self, teachers: Stacked, tokens: Int[Tensor, " N"]
    ) -> Int[Tensor, "S T1"]:
        """Texts of T + 1 tokens, each begun with a few of train."""
        plan, written = self.plan, []
        writer = Writer(teachers, plan.texts)
        for _ in range(plan.rounds):
            shape = (teachers.count, plan.texts, 1)
            starts = torch.randint(len(tokens) - plan.begin, shape)
            at = (starts + torch.arange(plan.begin)).to(tokens.device)
            written.append(writer.run(tokens[at], self.length + 1).flatten(0, 1))
        return torch.cat(written)

    @torch.no_grad()
    def label(
        self,
        teachers: Stacked,
        counts: CountedNGrams,
        tokens: Int[Tensor, " N"],
        texts: Int[Tensor, "S T1"],
    ) -> tuple[Tensor, Tensor, Tensor]:
        """The teachers' average for train (N, V) and texts (S, T, V); counts."""
        T, V, half = self.length, self.plan.shape.vocab_size, self.length // 2
        windows = tokens.unfold(0, T, half)  # (W, T): each begins half further on
        real = F.one_hot(tokens.roll(-1), V).half()  # stays so at the very end
        real[:half] = self.average(teachers, windows[:1])[0, :half]
        for first in range(0, len(windows), 64):
            later = self.average(teachers, windows[first : first + 64])[:, half:]
            at = (first + 1) * half
            real[at : at + later.size(0) * half] = later.flatten(0, 1)
        written = real.new_empty((len(texts), T, V))
        counted = torch.empty_like(written)
        for first in range(0, len(texts), 64):
            some = texts[first : first + 64, :-1]
            pos = torch.arange(T, device=some.device).expand(some.shape)
            written[first : first + 64] = self.average(teachers, some)
            counted[first : first + 64] = counts.probabilities(some, pos)
        return real, written, counted

    def average(self, models: Stacked, idx: Int[Tensor, "B T"]) -> Tensor:
        """The models' mean probabilities (B, T, V), in half precision."""
        idx = idx.expand(models.count, *idx.shape)
        said = logits(models.weights(), idx, None, models.config)
        return said.softmax(dim=-1).mean(dim=0).half()

    def losses(
        self, models: Stacked, counts: CountedNGrams, tokens: Tensor, each: bool
    ) -> dict[float, list[float]]:
        """Losses of each model, or of their average, for each of WEIGHTS."""

        def mix(p, idx):
            p = p if each else p.mean(dim=0, keepdim=True)
            pos = torch.arange(idx.size(1), device=idx.device).expand(idx.shape)
            counted = counts.probabilities(idx, pos)
            return torch.stack([w * p + (1 - w) * counted for w in WEIGHTS])

        found = split_losses(models, tokens.to(self.device), self.length, mix)
        return dict(zip(WEIGHTS, found.tolist(), strict=True))

    def choose(self, students: Stacked, data: TokenSplits) -> tuple[Student, float]:
        """The student that is best on dev beside counts, and its weight."""
        found = self.losses(students, self.count(data), data.val, each=True)
        self.note("dev: students", found)
        weight = min(found, key=lambda weight: min(found[weight]))
        losses = found[weight]
        best = self.plan.students[losses.index(min(losses))]
        self.note("dev: chosen", {"weight": weight, "student": asdict(best)})
        return best, weight

    def save(self, model: ModernGPT, weight: float) -> None:
        """Mix counts in, measure val once, and write the model folder."""
        plan, data = self.plan, self.data
        model = Mixture(model, self.count(data).cpu(), min(weight, WEIGHTS[-1])).eval()
        val = evaluate(model, data.val).loss
        steps, tokens = plan.student_steps, plan.batch * self.length
        rates = {"lr": 5e-3, "schedule": "linear", "warmup": 0.025, "optimizer": "muon"}
        config = TrainConfig(steps, plan.batch, precision="bfloat16", **rates)
        handler = ModelHandler(self.folder).save(model, data.tokenizer, dtype="float16")
        told = {"corpus": data.corpus, "sha256": data.sha256, "step": steps}
        handler.trained_on = told | {"config": asdict(config)}
        seconds, losses = self.report["all: students' losses"].values()
        last = Step(steps, losses[0], None, val, 0.0, steps * tokens, seconds)
        handler.history = [last]
        handler.save(dtype="float16")


@dataclass
class Taught:
    """Train and what the teachers wrote, each with predictions of what follows."""

    tokens: Int[Tensor, " N"]
    texts: Int[Tensor, "S T1"]
    real: Float[Tensor, "N V"]
    written: Float[Tensor, "S T V"]
    counted: Float[Tensor, "S T V"]

    def batch(
        self, students: Sequence[Student], size: int, step: int
    ) -> dict[str, Tensor]:
        """Windows (E, B, T), those of train first, and targets (E, B, T, V)."""
        device, length = self.tokens.device, self.texts.size(1) - 1
        generator = torch.Generator().manual_seed(step)
        shape = (len(students), size)
        rows = torch.randint(len(self.texts), shape, generator=generator).to(device)
        last = len(self.tokens) - length
        starts = torch.randint(last, shape, generator=generator).to(device)
        at = starts[..., None] + torch.arange(length, device=device)  # (E, B, T)

        def share(name):
            values = [getattr(student, name) for student in students]
            return torch.tensor(values, device=device).view(-1, 1, 1, 1)

        number = torch.arange(size, device=device)[:, None, None]
        is_real = number < share("real") * size  # (E, B, 1, 1)
        idx = torch.where(is_real[..., 0], self.tokens[at], self.texts[rows][..., :-1])
        hard = F.one_hot(self.tokens[at + 1], self.real.size(1)).half()
        real = hard.lerp(self.real[at], share("soft").half())
        written = self.written[rows].lerp(self.counted[rows], share("counted").half())
        return {"idx": idx, "targets": torch.where(is_real, real, written)}


def soft_loss(
    said: Float[Tensor, "E B T V"], batch: dict[str, Tensor]
) -> Float[Tensor, " E"]:
    """The mean cross-entropy with targets that are probabilities."""
    each = (batch["targets"].float() * said.log_softmax(dim=-1)).sum(dim=-1)
    return -each.mean(dim=(1, 2))


if __name__ == "__main__":
    tyro.cli(main)
