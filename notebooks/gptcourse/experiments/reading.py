"""What learning while reading gains, on which texts, and what is forgotten.

    python -m gptcourse.experiments.reading

adds the rows that are missing in notebooks/records/reading.csv, ten minutes in all on
one core. The rate was chosen on the rest of The Tempest, which is in no split; val is
read once, in the way chosen. Read next: notebook 15.
"""

import random
import time
from dataclasses import dataclass
from functools import cache

import torch
import tyro

from gptcourse.records import load_rows, replace_rows, table
from gptlib.data import load_corpus, shakespeare_plays
from gptlib.evaluation import evaluate, evaluate_while_reading, reading_losses
from gptlib.files.fetch import project_folder
from gptlib.files.plays import IN_TINY
from gptlib.handler import ModelHandler

RATE = 0.2
WAYS = {  # rate of SGD, whether n-grams are counted
    "frozen": (0.0, False),
    "counts": (0.0, True),
    "steps": (RATE, False),
    "both": (RATE, True),
    "both, rate 0.1": (0.1, True),
    "both, rate 0.4": (0.4, True),
    "both, rate 0.05": (0.05, True),
}
TEMPEST = "The Tempest"
COMPARED = ("speeches shuffled", "Hamlet", "29 plays")
KNEW = ("train, 20,000", "Hamlet, 20,000")
AFTER = "after The Tempest"  # read with both, then as it is
RUNS = [(TEMPEST, way) for way in WAYS]
RUNS += [(text, way) for text in COMPARED for way in ("frozen", "both")]
RUNS += [(text, way) for text in KNEW for way in ("frozen", AFTER)]
RUNS += [("val", "both")]
all_plays = cache(shakespeare_plays)


@dataclass(frozen=True)
class Reading:
    """A loss in nats per character; windows: those of whole windows."""

    text: str
    way: str
    characters: int
    loss: float
    stderr: float
    minutes: float
    windows: tuple[float, ...]


@cache
def load_text(name: str) -> str:
    """A text to read: as long as the rest of The Tempest, where its name says no more.

    That rest is what follows val.
    """
    corpus, plays = load_corpus("tinyshakespeare"), all_plays()
    rest = plays["the-tempest"].partition(corpus.val.rstrip()[-60:])[2].lstrip()
    if name == "speeches shuffled":
        speeches = rest.strip().split("\n\n")
        random.Random(0).shuffle(speeches)
        return "\n\n".join(speeches)
    if name == "29 plays":
        others = [play for key, play in plays.items() if key not in IN_TINY]
        return "".join(middle(play, len(rest) // len(others)) for play in others)
    whole = {TEMPEST: rest, "Hamlet": plays["hamlet"], "val": corpus.val}
    size = 20_000 if name in KNEW else len(rest) if name == "Hamlet" else None
    return (whole | {"train": corpus.train})[name.partition(",")[0]][:size]


def middle(play: str, size: int) -> str:
    """So many characters from the middle of a play, from a speech's beginning on."""
    start = play.index("\n\n", len(play) // 2) + 2
    return play[start : start + size]


def run(text: str, way: str, characters: int | None = None) -> Reading:
    """Read a text, or its beginning, with model2."""
    handler = ModelHandler(project_folder("models") / "model2").load()
    model, tok = handler.model, handler.tokenizer
    train = torch.tensor(tok.encode(load_corpus("tinyshakespeare").train))

    def tokens_of(name: str) -> torch.Tensor:
        return torch.tensor(tok.encode(load_text(name)[:characters]))

    began, tokens = time.perf_counter(), tokens_of(text)
    if way == AFTER:
        reading_losses(model, tokens_of(TEMPEST), model.block_size, RATE, train)
    rate, counts = WAYS.get(way, (0.0, False))
    if rate or counts:
        known = train if counts else None
        found = evaluate_while_reading(model, tokens, rate=rate, known=known)
    else:
        found = evaluate(model, tokens)
    minutes = (time.perf_counter() - began) / 60
    scores = found.loss, found.stderr, minutes, found.per_window
    return Reading(text, way, len(tokens), *scores)


def main(runs: int = 100) -> None:
    """Do the missing runs, so many at most, and record them."""
    path = table("reading")
    there = {(row.text, row.way) for row in load_rows(Reading, path)}
    for text, way in [one for one in RUNS if one not in there][:runs]:
        row = run(text, way)
        print(
            f"{text}, {way}: {row.loss:.4f} ± {row.stderr:.4f}, {row.minutes:.1f} min"
        )
        formats = {"loss": ".4f", "stderr": ".4f", "minutes": ".2f", "windows": ".3f"}
        replace_rows(path, [row], ["text", "way"], **formats)


if __name__ == "__main__":
    tyro.cli(main)
