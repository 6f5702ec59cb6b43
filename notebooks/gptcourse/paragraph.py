"""The validation paragraph: what each letter's surprise was for every rung.

One committed table, `notebooks/records/paragraph.csv`, holds the losses of every
notebook's model on one paragraph, so that the next notebook can show what has become
easier. `make notebooks` records them. Read next: `figures.py`, which draws it.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from gptcourse.letters import paragraph_losses
from gptcourse.records import load_rows, save_rows, table

measured: list["Losses"] = []  # by this process, for `make notebooks`


@dataclass(frozen=True)
class Losses:
    """Nats per letter of the paragraph, for one rung of the ladder."""

    name: str
    notebook: str
    losses: tuple[float, ...]


def measure(name: str, notebook: str, model, tokens, tokenizer) -> None:
    """Note what a rung's model loses on each letter; tokens: the validation split."""
    losses = paragraph_losses(model, tokens, tokenizer)[1]
    measured.append(Losses(name, notebook, tuple(losses)))


def recorded(name: str) -> Losses:
    """Look a rung up, first among those measured by this process.

    Raises ValueError naming those that are there.
    """
    known = {row.name: row for row in [*load(), *measured]}
    if name not in known:
        raise ValueError(f"{name!r} has no recorded paragraph; there are {list(known)}")
    return known[name]


def load() -> list[Losses]:
    """Read the committed table, by notebook."""
    return load_rows(Losses, table("paragraph"))


def update(notebook: str, new: Iterable[Losses]) -> None:
    """Replace a notebook's rows by what it measured just now."""
    rows = [*(row for row in load() if row.notebook != notebook), *new]
    rows.sort(key=lambda row: row.notebook)
    save_rows(table("paragraph"), Losses, rows, losses=".3f")
