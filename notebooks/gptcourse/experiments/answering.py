"""The answering study: model3 fine-tuned to answer, all weights or adapters alone.

    python -m gptcourse.experiments.answering --method full --save models/answers
    python -m gptcourse.experiments.answering --method lora --seed 1 \\
        --table notebooks/records/answers.csv

prints the exact matches of each kind of question on dev and test, and the loss on the
whole of val, where forgetting shows; --table puts them into the table, in place of
those of the same run. Ten to fifteen minutes on one core. First comes what such a
model has to beat: answers that no neural network gives. Read next: notebook 10.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import torch
import tyro
from jaxtyping import Int
from torch import Tensor, nn
from torch.nn import functional as F
from tqdm import tqdm

from gptcourse.questions import (
    Question,
    by_kind,
    exact,
    known_parts,
    load_questions,
    title,
    to_examples,
)
from gptcourse.records import replace_rows
from gptlib.cache import run
from gptlib.data import (
    IGNORED,
    Examples,
    TokenSplits,
    load_corpus,
    random_windows,
    shakespeare_plays,
)
from gptlib.evaluation import evaluate
from gptlib.files.fetch import project_folder
from gptlib.handler import ModelHandler
from gptlib.lora import adapter_state, add_adapters, save_adapters, trained
from gptlib.ngram import CountedNGrams
from gptlib.settings import TrainConfig
from gptlib.training import Training, train

NAME = re.compile(r"(?:\A|\n\n)([^\n]+):\n")  # a speech's first line
RANK = 32
REPLAY = 7  # questions to one window of plain text
# One epoch. Muon at the rate the model was made with (the default) moves matrices,
# AdamW the embeddings; adapters are moved by AdamW alone, as in their paper. (With Muon
# a larger rank copied more and forgot more: models/notes.md.)
FULL = TrainConfig(
    steps=715, lr=5e-3, optimizer="muon", schedule="linear", weight_decay=0.0
)
CONFIGS = {"full": FULL, "lora": replace(FULL, optimizer="adamw", lr=3e-3)}


def read_plays() -> dict[str, str]:
    """Title -> the part of a play that the training questions are about."""
    parts = known_parts(dict(shakespeare_plays()))
    return {title(name): first for name, (first, _, _) in parts.items()}


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


def count_questions(
    questions: Sequence[Question], tokenizer, order: int = 6
) -> CountedNGrams:
    """N-grams counted in questions with their answers; `exact` takes it as a model."""
    text = "".join(one.text + "\n" for one in questions)
    tokens = torch.tensor(tokenizer.encode(text))
    return CountedNGrams.fit(tokens, tokenizer.vocab_size, order).eval()


@torch.inference_mode()
def likeliest_play(
    questions: Sequence[Question], plays: Mapping[str, str], tokenizer, order: int = 4
) -> list[str]:
    """For each excerpt, the title under whose n-gram counts it is likeliest.

    plays: title -> script. This is naive Bayes with all plays equally likely, over
    n-grams instead of words.
    """
    rows = [torch.tensor(tokenizer.encode(one.excerpt)) for one in questions]
    text = nn.utils.rnn.pad_sequence(rows, True, IGNORED)  # (N, T)
    losses = []
    for script in plays.values():
        tokens = torch.tensor(tokenizer.encode(script))
        counted = CountedNGrams.fit(tokens, tokenizer.vocab_size, order).eval()
        logits = run(counted, text[:, :-1].clamp(min=0)).mT  # (N, V, T - 1)
        each = F.cross_entropy(logits, text[:, 1:], reduction="none")  # 0 for padding
        losses.append(each.sum(1))
    titles = list(plays)
    return [titles[i] for i in torch.stack(losses).argmin(dim=0).tolist()]


def fine_tune(
    model: nn.Module,
    questions: Sequence[Question],
    tokenizer,
    method: str,
    config: TrainConfig,
    plain: Int[Tensor, " N"] | None = None,
) -> Training:
    """The training of a model on the answers; iterate it. The model is changed.

    method: "lora" adds adapters and trains these alone, "full" trains everything.
    plain: tokens of a text of which windows are mixed in, see `with_plain_text`.
    """
    if method == "lora":
        torch.manual_seed(config.seed)  # A begins at random
        add_adapters(model, RANK, alpha=RANK)
    examples = to_examples(questions, tokenizer)
    if plain is not None:
        examples = with_plain_text(examples, plain, seed=config.seed)
    nothing = torch.zeros(2, dtype=torch.long)
    return train(model, TokenSplits(examples, nothing, nothing, "answers"), config)


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
class Result:
    """Answers of one kind in one split, and the run that they belong to.

    shots: examples before each question. rank: of the adapters, 0 without. replay:
    questions to one window of plain text, 0 without. trained: parameters. val: nats
    per character on the whole validation split. right: exact matches, out of `asked`.
    """

    method: str
    shots: int
    rank: int
    replay: int
    steps: int
    seed: int
    trained: int
    minutes: float
    threads: int
    torch: str
    val: float
    val_stderr: float
    kind: str = ""
    split: str = ""
    right: int = 0
    asked: int = 0


def measure(model: nn.Module, questions, tokenizer, about: Result) -> list[Result]:
    """Exact matches of each kind in dev and test, after `about.shots` examples."""
    results = []
    for split in ("dev", "test"):
        for kind, asked in by_kind(getattr(questions, split)):
            shots = shortest(questions.train, kind, about.shots)
            right = int(exact(model, asked, tokenizer, shots).sum())
            found = {"kind": kind, "split": split, "right": right, "asked": len(asked)}
            print(about.shots, found, flush=True)
            results.append(replace(about, **found))
    return results


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
    method: Literal["none", "lora", "full"] = "lora",
    seed: int = 0,
    steps: int = FULL.steps,
    replay: bool = True,
    shots: int = 2,
    table: Path | None = None,
    save: Path | None = None,
) -> None:
    """Fine-tune model3's transformer to answer questions, and measure it.

    Args:
        method: All weights, adapters alone, or no fine-tuning.
        replay: Whether windows of plain text are mixed in, against forgetting.
        shots: Examples before each question, at most; without fine-tuning only.
        table: Where the results are recorded.
        save: The folder that the model, or its adapters, are stored in.
    """
    handler = ModelHandler(project_folder("models") / "model3").load()
    # The transformer without its counts, which hold no questions.
    tokenizer, model = handler.tokenizer, handler.model.model
    questions = load_questions()
    seconds = moved = 0
    if method != "none":
        config = replace(CONFIGS[method], steps=steps, seed=seed)
        plain = load_corpus("shakespeare-plays").encode(tokenizer).train
        training = fine_tune(
            model, questions.train, tokenizer, method, config, plain if replay else None
        )
        for _ in tqdm(training, total=steps, unit="step"):
            pass
        seconds, moved = training.seconds, sum(p.numel() for p in trained(model))
        if save:
            save_model(model, tokenizer, save)
    loss = evaluate(model, load_corpus("tinyshakespeare").encode(tokenizer).val)
    print(loss)
    about = Result(
        method=method,
        shots=0,
        rank=RANK if method == "lora" else 0,
        replay=REPLAY if moved and replay else 0,
        steps=steps if moved else 0,
        seed=seed,
        trained=moved,
        minutes=round(seconds / 60, 2),
        threads=torch.get_num_threads(),
        torch=torch.__version__.split("+")[0],
        val=round(loss.loss, 4),
        val_stderr=round(loss.stderr, 4),
    )
    results = []
    for count in range(1 if moved else shots + 1):
        results += measure(model, questions, tokenizer, replace(about, shots=count))
    if table is not None:
        run_key = ["method", "shots", "rank", "replay", "steps", "seed"]
        replace_rows(table, results, run_key)


if __name__ == "__main__":
    tyro.cli(main)
