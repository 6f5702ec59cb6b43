"""Fine-tuning model3 to answer, wholly or through adapters, and what that costs.

    python -m gptcourse.experiments.tuning --method full --seed 0 --save models/answers
    python -m gptcourse.experiments.tuning --method lora --seed 0
    python -m gptcourse.experiments.tuning --method none

Each adds to `notebooks/records/answers.csv` a row for every kind of question on dev
and on test: the exact matches, the parameters trained, the minutes, the bytes to be
stored, and the loss on the whole of val, where forgetting shows. Ten to fifteen
minutes on one core. Read next: notebook 10.
"""

import argparse
import csv
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path

import torch
from jaxtyping import Int
from torch import Tensor, nn

from gptcourse.experiments.answers import (
    Question,
    by_kind,
    exact,
    load_questions,
    to_examples,
)
from gptlib.data import Examples, TokenSplits, load_corpus, random_windows
from gptlib.errors import require_choice
from gptlib.evaluation import evaluate
from gptlib.files.atomic import write_table
from gptlib.files.fetch import project_folder
from gptlib.handler import ModelHandler
from gptlib.lora import adapter_state, add_adapters, save_adapters, trained
from gptlib.settings import TrainConfig
from gptlib.training import Training, train

TABLE = project_folder("notebooks") / "records" / "answers.csv"
METHODS = ("none", "lora", "full")
RANK = 32
REPLAY = 7  # questions to one window of plain text
# One epoch. Muon at the rate the model was made with moves matrices, AdamW the
# embeddings; adapters are moved by AdamW alone, as in their paper. (With Muon a larger
# rank copied more and forgot more: models/notes.md.)
WHOLLY = TrainConfig(
    steps=715,
    batch_size=16,
    lr=5e-3,
    optimizer="muon",
    muon_lr=0.02,
    schedule="linear",
    weight_decay=0.0,
)
CONFIGS = {"full": WHOLLY, "lora": replace(WHOLLY, optimizer="adamw", lr=3e-3)}


@dataclass(frozen=True)
class Row:
    """One fine-tuning, or none. right: of each kind in turn, out of `asked`.

    replay: questions to one window of plain text, 0: none. val: nats a character on
    the whole validation split; bytes: what must be stored beside model3, in half
    precision.
    """

    method: str
    shots: int
    rank: int
    replay: int
    steps: int
    seed: int
    trained: int
    bytes: int
    minutes: float
    threads: int
    torch: str
    val: float
    val_stderr: float
    kind: str = ""
    split: str = ""
    right: int = 0
    asked: int = 0


def fine_tune(
    model: nn.Module,
    questions: list[Question],
    tokenizer,
    method: str = "lora",
    config: TrainConfig | None = None,
    rank: int = RANK,
    plain: Int[Tensor, " N"] | None = None,
) -> Training:
    """The training of a model on the answers; iterate it. The model is changed.

    method "lora" puts adapters in and trains these alone, "full" trains everything.
    config: by default the method's, out of `CONFIGS`.
    plain: tokens of a text of which windows are mixed in, see `with_plain_text`.
    """
    require_choice("method", method, METHODS[1:])
    config = config or CONFIGS[method]
    if method == "lora":
        torch.manual_seed(config.seed)  # A begins at random
        add_adapters(model, rank, alpha=rank)
    examples = to_examples(questions, tokenizer)
    if plain is not None:
        examples = with_plain_text(examples, plain, seed=config.seed)
    nothing = torch.zeros(2, dtype=torch.long)
    return train(model, TokenSplits(examples, nothing, nothing, "answers"), config)


def with_plain_text(
    examples: Examples, tokens: Int[Tensor, " N"], every: int = REPLAY, seed: int = 0
) -> Examples:
    """For every so many rows one more: a window of tokens, learned from end to end.

    A window has many times the targets of an answer, so that few are enough to
    remind a model of what it could before.
    """
    count, length = max(1, len(examples) // every), examples.idx.size(1)
    generator = torch.Generator().manual_seed(seed)
    idx, targets = random_windows(tokens, count, length, generator)
    return Examples(
        torch.cat([examples.idx, idx]), torch.cat([examples.targets, targets])
    )


def shortest(questions: list[Question], kind: str, count: int) -> list[Question]:
    """The shortest texts of a kind: examples that leave room for the question."""
    of_kind = [one for one in questions if one.kind == kind]
    return sorted(of_kind, key=lambda one: (len(one.text), one.text))[:count]


def measure(model, questions, tokenizer, split: str, shots: int = 0) -> list[dict]:
    """Exact matches of each kind; shots: examples out of train before each question."""
    return [
        {
            "kind": kind,
            "split": split,
            "right": int(
                exact(
                    model, asked, tokenizer, shortest(questions.train, kind, shots)
                ).sum()
            ),
            "asked": len(asked),
        }
        for kind, asked in by_kind(getattr(questions, split))
    ]


def add_rows(path: Path, rows: list[Row]) -> None:
    """Put rows into the table, in place of those of the same run."""
    old = []
    if path.is_file():
        with path.open(newline="") as file:
            old = [{"replay": "0"} | row for row in csv.DictReader(file)]
    run = ("method", "shots", "rank", "replay", "steps", "seed")
    new = [{k: str(v) for k, v in asdict(row).items()} for row in rows]
    made = {tuple(row[k] for k in run) for row in new}
    kept = [row for row in old if tuple(row[k] for k in run) not in made]
    columns = [field.name for field in fields(Row)]
    write_table(path, columns, ([row[k] for k in columns] for row in kept + new))


def main(argv: list[str] | None = None) -> None:
    args = parsed(argv)
    handler = ModelHandler(project_folder("models") / "model3").load()
    # The transformer without its counts, which know nothing of questions.
    tokenizer, model = handler.tokenizer, handler.model.model
    questions, minutes, moved = load_questions(), 0.0, 0
    if args.method != "none":
        minutes = tune(model, questions.train, tokenizer, args)
        moved = sum(p.numel() for p in trained(model))
        if args.save:
            save(model, tokenizer, Path(args.save))
    loss = evaluate(model, load_corpus("tinyshakespeare").encode(tokenizer).val)
    print(loss)
    for shots in range(args.shots + 1) if args.method == "none" else [0]:
        found = [
            one
            for split in ("dev", "test")
            for one in measure(model, questions, tokenizer, split, shots)
        ]
        run = Row(
            method=args.method,
            shots=shots,
            rank=RANK if args.method == "lora" else 0,
            replay=REPLAY if moved and args.replay else 0,
            steps=args.steps if moved else 0,
            seed=args.seed,
            trained=moved,
            bytes=2 * moved,
            minutes=round(minutes, 2),
            threads=torch.get_num_threads(),
            torch=torch.__version__.split("+")[0],
            val=round(loss.loss, 4),
            val_stderr=round(loss.stderr, 4),
        )
        for one in found:
            print(shots, one, flush=True)
        add_rows(Path(args.table), [replace(run, **one) for one in found])


def tune(model, questions, tokenizer, args: argparse.Namespace) -> float:
    """Fine-tune as the command says; returns the minutes."""
    config = replace(CONFIGS[args.method], steps=args.steps, seed=args.seed)
    plain = None
    if args.replay:
        plain = load_corpus("shakespeare-plays").encode(tokenizer).train
    training = fine_tune(model, questions, tokenizer, args.method, config, plain=plain)
    for step in training:
        if step.step % 20 == 0:
            left = step.seconds * (args.steps / step.step - 1) / 60
            print(f"step {step.step}: loss {step.loss:.3f}, {left:.1f} minutes left")
    return training.seconds / 60


def save(model: nn.Module, tokenizer, folder: Path) -> None:
    """Adapters alone, where there are some; else the whole model, in half precision."""
    if adapter_state(model):
        save_adapters(model, folder / "adapters.safetensors")
    else:
        ModelHandler(folder).save(model, tokenizer, dtype="float16")


def parsed(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--method", choices=METHODS, default="lora")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--steps", type=int, default=WHOLLY.steps)
    parser.add_argument("--replay", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--shots", type=int, default=2)
    parser.add_argument("--save", default="")
    parser.add_argument("--table", default=TABLE)
    return parser.parse_args(argv)


if __name__ == "__main__":
    main()
