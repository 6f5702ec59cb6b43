"""The answering study: plays fine-tuned to answer, all weights or adapters alone.

    python -m gptcourse.experiments.answering --method full --save models/answers
    python -m gptcourse.experiments.answering --method lora --seed 1 \\
        --table notebooks/records/answers.csv

prints the exact matches of each kind of question on dev and test, and the loss on the
whole of val, where forgetting shows; --table puts them into the table, in place of
those of the same run. Ten to fifteen minutes on one core. First comes what such a
model has to beat: answers that no neural network gives. Read next: notebook 11.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import torch
import tyro
from jaxtyping import Bool, Int
from torch import Tensor, nn
from tqdm import tqdm

from gptcourse.questions import (
    NAMING,
    Question,
    by_kind,
    exact,
    load_questions,
    to_examples,
)
from gptcourse.records import replace_rows
from gptlib.data import (
    Examples,
    TokenSplits,
    load_corpus,
    random_windows,
)
from gptlib.errors import require_choice
from gptlib.evaluation import evaluate
from gptlib.files.fetch import project_folder
from gptlib.handler import ModelHandler
from gptlib.lora import adapter_state, add_adapters, save_adapters, trained
from gptlib.settings import TrainConfig
from gptlib.training import Training, train

NAME = re.compile(r"(?:\A|\n\n)([^\n]+):\n")  # a speech's first line
RANK = 96  # of the adapters that dev chose
REPLAY = 7  # questions to one window of plain text
# One epoch. Muon moves matrices, AdamW the embeddings. With Muon a larger rate copied
# more and forgot more: models/notes.md.
CONFIG = TrainConfig(
    steps=715, lr=5e-3, optimizer="muon", schedule="linear", weight_decay=0.0
)


@dataclass(frozen=True)
class Run:
    """What is fine-tuned, and how.

    method: "full" for all weights, "lora" for adapters alone, or "none". start: the
    folder in models/ to begin with. every: 1 to ask about every name of an excerpt.
    rank: of the adapters. rate: the highest learning rate of the blocks' matrices.
    replay: questions to one window of plain text, against forgetting; 0 for none.
    """

    method: str = "lora"
    start: str = "plays"
    every: int = 0
    rank: int = RANK
    optimizer: str = "muon"
    rate: float = 0.02
    replay: int = REPLAY
    precision: str = "bfloat16"  # a third faster
    steps: int = CONFIG.steps
    seed: int = 0

    @property
    def config(self) -> TrainConfig:
        """The training's configuration."""
        rates = (
            {"muon_lr": self.rate} if self.optimizer == "muon" else {"lr": self.rate}
        )
        names = ("optimizer", "precision", "steps", "seed")
        return replace(CONFIG, **{n: getattr(self, n) for n in names}, **rates)

    @property
    def recorded(self) -> "Run":
        """The same without settings that do not apply."""
        if self.method == "none":
            off = {"steps": 0, "replay": 0, "optimizer": "", "precision": ""}
            return replace(self, rank=0, rate=0.0, **off)
        return self if self.method == "lora" else replace(self, rank=0)


def by_blind_name(question: Question) -> float:
    """The chance that a speaker of the excerpt, drawn blindly, is the answer."""
    names = set(NAME.findall(question.excerpt))
    return (question.answer in names) / max(1, len(names))


def by_position(question: Question, position: int) -> bool:
    """Whether the excerpt's first speaker (position 0), second, ... is the answer.

    The question itself is not read: a shortcut that a model may find.
    """
    names = NAME.findall(question.excerpt)
    return position < len(names) and names[position] == question.answer


def best_position(questions: Sequence[Question], kind: str) -> int:
    """The position, out of the first three, that most often has the answer."""
    of_kind = [one for one in questions if one.kind == kind]
    return max(range(3), key=lambda i: sum(by_position(one, i) for one in of_kind))


def most_frequent(questions: Sequence[Question], kind: str) -> str:
    """The answer that questions of a kind have most often."""
    answers = Counter(one.answer for one in questions if one.kind == kind)
    return answers.most_common(1)[0][0]


def fine_tune(
    model: nn.Module,
    questions: Sequence[Question],
    tokenizer,
    run: Run,
    plain: Int[Tensor, " N"],
) -> Training:
    """The training of a model on the answers; iterate it. The model is changed.

    plain: tokens of a text of which windows are mixed in, see `with_plain_text`.
    """
    if run.method == "lora":
        torch.manual_seed(run.seed)  # A begins at random
        add_adapters(model, run.rank, alpha=run.rank)
    examples = to_examples(questions, tokenizer)
    if run.replay:
        examples = with_plain_text(examples, plain, run.replay, seed=run.seed)
    nothing = torch.zeros(2, dtype=torch.long)
    data = TokenSplits(examples, nothing, nothing, "answers")
    return train(model, data, run.config)


def with_plain_text(
    examples: Examples, tokens: Int[Tensor, " N"], every: int = REPLAY, seed: int = 0
) -> Examples:
    """For every so many rows one more: a window of tokens, all of them targets.

    A window has many times the targets of an answer, so a few are enough against
    forgetting.
    """
    count, length = max(1, len(examples) // every), examples.idx.size(1)
    generator = torch.Generator().manual_seed(seed)
    idx, targets = random_windows(tokens, count, length, generator)
    return Examples(
        torch.cat([examples.idx, idx]), torch.cat([examples.targets, targets])
    )


@dataclass(frozen=True)
class Result(Run):
    """Answers of one kind in one split, and the run that they belong to.

    shots: examples before each question. trained: parameters. val: nats per character
    on the whole validation split. right: exact matches, out of `asked`; of the kinds
    that end in EVERY, excerpts of which all questions are answered right.
    """

    shots: int = 0
    trained: int = 0
    minutes: float = 0.0
    threads: int = 0
    torch: str = ""
    val: float = 0.0
    val_stderr: float = 0.0
    kind: str = ""
    split: str = ""
    right: int = 0
    asked: int = 0


EVERY = ", every name"


def measure(
    model: nn.Module, questions, every, tokenizer, about: Result
) -> list[Result]:
    """Exact matches of each kind in dev and test, after `about.shots` examples.

    every: questions of which an excerpt's are all to be answered right.
    """
    results = []
    for split in ("dev", "test"):
        for kind, asked in by_kind(getattr(questions, split)):
            shots = shortest(questions.train, kind, about.shots)
            right = exact(model, asked, tokenizer, shots)
            results.append(_result(about, kind, split, right.tolist()))
        for kind, asked in by_kind(getattr(every, split)):
            if kind in NAMING and not about.shots:
                right = all_right(asked, exact(model, asked, tokenizer))
                results.append(_result(about, kind + EVERY, split, right))
    return results


def _result(about: Result, kind: str, split: str, right: list[bool]) -> Result:
    found = {"kind": kind, "split": split, "right": sum(right), "asked": len(right)}
    print(about.shots, found, flush=True)
    return replace(about, **found)


def all_right(questions: Sequence[Question], right: Bool[Tensor, " N"]) -> list[bool]:
    """For each excerpt whether all questions about it are answered right."""
    groups = {}
    for one, hit in zip(questions, right.tolist(), strict=True):
        groups.setdefault((one.play, one.excerpt), []).append(hit)
    return [all(hits) for hits in groups.values()]


def shortest(questions: Sequence[Question], kind: str, count: int) -> list[Question]:
    """The shortest texts of a kind: examples that leave room for the question."""
    of_kind = [one for one in questions if one.kind == kind]
    return sorted(of_kind, key=lambda one: (len(one.text), one.text))[:count]


def save_model(model: nn.Module, tokenizer, folder: Path) -> None:
    """Adapters alone, where there are some; else the whole model, in half precision."""
    if adapter_state(model):
        save_adapters(model, folder / "adapters.safetensors")
    else:
        ModelHandler(folder).save(model, tokenizer, dtype="float16")


def main(
    run: tyro.conf.OmitArgPrefixes[Run],
    shots: int = 2,
    table: Path | None = None,
    save: Path | None = None,
) -> None:
    """Fine-tune a model to answer questions, and measure it.

    Args:
        run: What is fine-tuned, and how.
        shots: Examples before each question, at most; without fine-tuning only.
        table: Where the results are recorded.
        save: The folder that the model, or its adapters, are stored in.
    """
    require_choice("method", run.method, ("none", "lora", "full"))
    run = run.recorded
    handler = ModelHandler(project_folder("models") / run.start).load()
    # A mixture's transformer without its counts, which hold no questions.
    tokenizer, model = handler.tokenizer, getattr(handler.model, "model", handler.model)
    questions, every = load_questions(), load_questions(every=True)
    seconds = moved = 0
    if run.method != "none":
        plain = load_corpus("shakespeare-plays").encode(tokenizer).train
        asked = (every if run.every else questions).train
        training = fine_tune(model, asked, tokenizer, run, plain)
        for _ in tqdm(training, total=run.steps, unit="step"):
            pass
        seconds, moved = training.seconds, sum(p.numel() for p in trained(model))
        if save:
            save_model(model, tokenizer, save)
    loss = evaluate(model, load_corpus("tinyshakespeare").encode(tokenizer).val)
    print(loss)
    about = Result(
        **asdict(run),
        trained=moved,
        minutes=round(seconds / 60, 2),
        threads=torch.get_num_threads(),
        torch=torch.__version__.split("+")[0],
        val=round(loss.loss, 4),
        val_stderr=round(loss.stderr, 4),
    )
    results = []
    for count in range(1 if moved else shots + 1):
        shown = replace(about, shots=count)
        results += measure(model, questions, every, tokenizer, shown)
    if table is not None:
        replace_rows(table, results, [*asdict(run), "shots"])


if __name__ == "__main__":
    tyro.cli(main)
