"""Training on few-shot prompts, and how often the answer is right.

    python -m gptcourse.experiments.incontext --layers 4 --width 96 --seed 0 \\
        --table notebooks/records/fewshot.csv --save models/fewshot

trains one model in minutes, adds its accuracies to the table (replacing those of the
same size and seed) and keeps the model. Read next: notebook 10.
"""

import csv
import random
from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path

import torch
from torch import nn

from gptcourse.experiments.fewshot import (
    FIXED,
    HELD_OUT_PAIRS,
    LENGTH,
    LONGEST_ANSWER,
    TOKENIZER,
    Task,
    draw_task,
    few_shot_prompt,
    training_rows,
)
from gptlib.data import TokenSplits
from gptlib.errors import require_int
from gptlib.files.atomic import write_table
from gptlib.generation import generate
from gptlib.handler import ModelHandler
from gptlib.model import count_parameters
from gptlib.modern import ModernConfig, ModernGPT
from gptlib.training import TrainConfig, Training, train

STEPS, BATCH_SIZE = 1_600, 32
EXAMPLES = (0, 1, 2, 4, 8)
PROMPTS = 100  # for each accuracy
TEST_SEED = 10_000  # of the prompts: others than any training draws
# What is measured: a name, the rules, whether keys (or the pair) are held out.
TESTS = [
    *(("known rule", (rule,), False) for rule in FIXED),
    ("known rule", ("shift",), False),
    ("held-out key", ("shift",), True),
    ("held-out key", ("wrap",), True),
    ("held-out key", ("lookup",), True),
    ("held-out key", ("code",), True),
    *(("held-out pair", pair, True) for pair in HELD_OUT_PAIRS),
]


@dataclass(frozen=True)
class Accuracy:
    """How many of `prompts` queries of a task a model answered exactly.

    prompt: "examples", "described" (a description too) or "shuffled" (the examples'
    answers belong to one another). minutes: of the training, on a CPU.
    """

    layers: int
    width: int
    seed: int
    parameters: int
    minutes: float
    threads: int
    torch: str
    kind: str
    task: str
    prompt: str
    examples: int
    correct: int
    prompts: int


def new_model(layers: int, width: int, seed: int) -> ModernGPT:
    """An untrained model of this size for the few-shot prompts."""
    torch.manual_seed(seed)
    size = {"n_layer": layers, "n_embd": width, "n_head": max(1, width // 24)}
    longest = LENGTH + LONGEST_ANSWER
    return ModernGPT(ModernConfig(TOKENIZER.vocab_size, block_size=longest, **size))


def learn(model: nn.Module, steps: int = STEPS, seed: int = 0) -> Training:
    """The training on fresh few-shot prompts, no prompt twice; iterate it."""
    rows = training_rows(steps * BATCH_SIZE, seed)
    data = TokenSplits(rows, rows.idx[0], rows.idx[0], "few-shot prompts")
    config = TrainConfig(
        steps=steps,
        batch_size=BATCH_SIZE,
        lr=4e-3,
        schedule="linear",
        optimizer="muon",
        seed=seed,
    )
    return train(model, data, config)


def probes(
    rules: Sequence[str],
    held_out: bool,
    examples: int,
    prompt: str,
    count: int = PROMPTS,
) -> tuple[list[str], list[str]]:
    """Prompts of a task with this many examples, and their right answers.

    The queries, keys and examples are the same for every model and kind of prompt.
    """
    texts, answers = [], []
    for number in range(count):
        rng = random.Random(TEST_SEED + number)
        task = draw_task(rng, tuple(rules), held_out)
        query = task.word(rng)
        words = _examples(task, query, rng)[:examples]
        if prompt == "shuffled":
            texts.append(_shuffled(task, words, query))
        else:
            described = prompt == "described"
            texts.append(few_shot_prompt(task, words, query, described=described))
        answers.append(task.answer(query))
    return texts, answers


def count_correct(model: nn.Module, texts: list[str], answers: list[str]) -> int:
    """How many prompts the model, always taking its first choice, completes exactly."""
    device = next(model.parameters()).device
    rows = [torch.tensor(TOKENIZER.encode(text), device=device) for text in texts]
    written = generate(model, rows, LONGEST_ANSWER + 1, temperature=0)
    lines = [
        TOKENIZER.decode(new[len(row) :]).split("\n")[0]
        for row, new in zip(rows, written, strict=True)
    ]
    return sum(line == answer for line, answer in zip(lines, answers, strict=True))


def measure(training: Training, layers: int, width: int) -> list[Accuracy]:
    """All accuracies of a trained model."""
    model, found = training.model, []
    for kind, rules, held_out in TESTS:
        for prompt in ("examples", "described", "shuffled"):
            for examples in EXAMPLES:
                if prompt == "shuffled" and examples < 2:
                    continue
                texts, answers = probes(rules, held_out, examples, prompt)
                found.append(
                    Accuracy(
                        layers=layers,
                        width=width,
                        seed=training.config.seed,
                        parameters=count_parameters(model),
                        minutes=round(training.seconds / 60, 2),
                        threads=torch.get_num_threads(),
                        torch=torch.__version__.split("+")[0],
                        kind=kind,
                        task=" ".join(rules),
                        prompt=prompt,
                        examples=examples,
                        correct=count_correct(model, texts, answers),
                        prompts=len(texts),
                    )
                )
    return found


def load_table(path: str | Path) -> list[Accuracy]:
    """Read a table of accuracies; no file is an empty one."""
    if not Path(path).is_file():
        return []
    kinds = [field.type for field in fields(Accuracy)]
    with open(path, newline="", encoding="utf-8") as file:
        _, *rows = csv.reader(file)
    return [Accuracy(*(k(v) for k, v in zip(kinds, row, strict=True))) for row in rows]


def save_table(path: str | Path, rows: Iterable[Accuracy]) -> None:
    """Write a table of accuracies, by size and seed."""
    rows = sorted(rows, key=lambda row: (row.layers, row.width, row.seed))
    columns = [field.name for field in fields(Accuracy)]
    write_table(Path(path), columns, map(astuple, rows))


def run(
    layers: int = 4,
    width: int = 96,
    seed: int = 0,
    steps: int = STEPS,
    table: Path | None = None,
    save: Path | None = None,
) -> None:
    """Train one model on few-shot prompts, measure it, and keep both where asked."""
    require_int("layers", layers, 1)
    model = new_model(layers, width, seed)
    training = learn(model, steps, seed)
    for step in training:
        if step.step % 100 == 0:
            left = step.seconds * (steps / step.step - 1) / 60
            print(f"step {step.step}: loss {step.loss:.3f}, {left:.1f} minutes left")
    found = measure(training, layers, width)
    for row in found:
        print(f"{row.task:14} {row.prompt:9} {row.examples}: {row.correct}%")
    if table is not None:
        this = (layers, width, seed)
        others = [r for r in load_table(table) if (r.layers, r.width, r.seed) != this]
        save_table(table, [*others, *found])
    if save is not None:
        ModelHandler(save).save(model, TOKENIZER, training=training)


def _examples(task: Task, query: str, rng: random.Random) -> list[str]:
    """As many words as are ever shown; the query among them only if it is a key."""
    words = []
    while len(words) < max(EXAMPLES):
        word = task.word(rng)
        if word != query or task.rules == ("lookup",):
            words.append(word)
    return words


def _shuffled(task: Task, words: list[str], query: str) -> str:
    answers = [task.answer(word) for word in words]
    wrong = answers[1:] + answers[:1]
    lines = [f"{w}>{a}" for w, a in zip(words, wrong, strict=True)]
    return "\n".join(["", *lines, f"{query}>"])


if __name__ == "__main__":
    import tyro

    tyro.cli(run)
