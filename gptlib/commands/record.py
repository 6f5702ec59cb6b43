"""python -m gptlib record: whether a model keeps the rules of `models/RECORDS.md`."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import nn

from gptlib.bpe import merges_of
from gptlib.cache import run
from gptlib.commands.arguments import Folder
from gptlib.composed import Mixture, Wrapper
from gptlib.data import load_corpus
from gptlib.evaluation import evaluate
from gptlib.handler import ModelHandler
from gptlib.model import count_parameters

SMALL, WINDOW = 3_200_000, 256
TRACKS = {"small": "tinyshakespeare", "more-data": "shakespeare-plays"}


@dataclass
class Record:
    """Verify a model by the rules of models/RECORDS.md, and print its row there.

    Checks what it was trained on, its size, and that its predictions depend on earlier
    characters only; then measures val once, every character of it.
    """

    folder: Folder
    # small: at most 3.2 million numbers, Tiny Shakespeare's train part only.
    # more-data: any size, any plays but those of val.
    track: Literal["small", "more-data"] = "small"

    def run(self) -> None:
        handler = ModelHandler(self.folder).load()
        corpus = load_corpus("tinyshakespeare")
        splits = corpus.encode(handler.tokenizer)
        rules = broken_rules(handler, self.track, splits.val[:WINDOW])
        if rules:
            raise ValueError(f"{self.folder} is no record: {'; '.join(rules)}")
        width = handler.model.block_size
        if self.track == "small":  # so many tokens, as characters of val
            width = min(width, WINDOW * len(splits.val) // len(corpus.val))

        def measure(part: nn.Module):
            return evaluate(part, splits.val, window=width, tokenizer=handler.tokenizer)

        print(row(self.folder.name, handler, width, measure))


def broken_rules(handler: ModelHandler, track: str, line: torch.Tensor) -> list[str]:
    """What a loaded model breaks, in words; line: (T,) tokens to try it on."""
    trained = handler.trained_on or {}
    before, size = trained.get("before", []), count_parameters(handler.model)
    texts = [load_corpus(n) for n in dict.fromkeys((TRACKS[track], TRACKS["small"]))]
    verified = [(text.name, text.sha256) for text in texts]
    began = [t["corpus"] for t in before if (t["corpus"], t["sha256"]) not in verified]
    own, merges = trained.get("corpus"), getattr(handler.tokenizer, "merges", [])
    made = (merges_of(text.train, len(merges)) for text in texts)
    rules = {
        f"trained on {own!r}, not {texts[0].name!r} with its SHA-256": (
            (own, trained.get("sha256")) == verified[0]
        ),
        f"it began from a model trained on {', '.join(map(str, began))}": not began,
        "its tokens were made from another text": not merges or merges in made,
        f"{size:,} numbers are stored, at most {SMALL:,} may be": (
            track != "small" or size <= SMALL
        ),
        "later characters change earlier predictions": is_causal(handler.model, line),
    }
    return [words for words, kept in rules.items() if not kept]


def is_causal(model: nn.Module, line: torch.Tensor) -> bool:
    """Whether the second half of a line leaves the predictions in the first alone."""
    line = line[: model.block_size]
    other, half = line.clone(), len(line) // 2
    other[half:] = line[half:].roll(1)
    before, after = (run(model, idx[None])[0, :half] for idx in (line, other))
    return torch.allclose(before, after, atol=1e-4)


def row(name: str, handler: ModelHandler, width: int, measure: Callable) -> str:
    """The model's row of the table in RECORDS.md."""
    model = handler.model
    whole = measure(model)
    alone = "–"  # a transformer trained beside its counts means nothing without them
    if isinstance(model, Mixture):
        alone = f"{measure(model.model).nats_per_char:.4f}"
    elif not isinstance(model, Wrapper):
        alone = f"{whole.nats_per_char:.4f}"
    cells = (
        f"{whole.nats_per_char:.4f} ± {whole.stderr_per_char:.4f}",
        alone,
        f"{count_parameters(model):,}",
        f"{width} tokens" if hasattr(handler.tokenizer, "merges") else f"{width}",
        f"{handler.trained_on['config']['steps']:,}",
        f"`{name}`",
    )
    return f"| {' | '.join(cells)} |"
