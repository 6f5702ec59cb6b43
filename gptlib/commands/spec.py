"""What a sweep runs: which settings stay, which vary, and what a run learns from.

Read next: `sweep.py`, which runs it.
"""

import hashlib
import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass, field, fields, replace
from functools import lru_cache
from pathlib import Path

import torch
import yaml

from gptlib.bpe import TokenizerConfig, build_tokenizer
from gptlib.composed import FLAT_SETTINGS, Config, build_config
from gptlib.data import TokenSplits, load_corpus
from gptlib.errors import require_choice, require_int
from gptlib.model import GPTConfig
from gptlib.modern import ModernConfig
from gptlib.training import TrainConfig

SHAPES = (GPTConfig, ModernConfig)
MODEL_FIELDS = ["class", *FLAT_SETTINGS]
MODEL_FIELDS += sorted({field.name for shape in SHAPES for field in fields(shape)})
TRAINING_FIELDS = [field.name for field in fields(TrainConfig)]
RECIPE = "recipe"


@dataclass(frozen=True)
class Text:
    """What a run learns from.

    train_characters: the first so many of the corpus's train, 0 for all. vocabulary:
    "char", "gpt2", or how many tokens byte-pair encoding finds in what is learned.
    Raises ValueError or TypeError naming what cannot be.
    """

    corpus: str = "tinyshakespeare"
    train_characters: int = 0
    vocabulary: str | int = "char"

    def __post_init__(self):
        require_int("train_characters", self.train_characters, 0)
        if isinstance(self.vocabulary, str):
            require_choice("vocabulary", self.vocabulary, ("char", "gpt2"))
        else:
            require_int("vocabulary", self.vocabulary, 256)


TEXT_FIELDS = [field.name for field in fields(Text)]


@lru_cache(maxsize=8)
def encode_text(text: Text) -> tuple[TokenSplits, bool]:
    """The splits of a run, and whether dev is new to it (no part of what it learns).

    A vocabulary is found in the training text alone, never in dev or val.
    """
    corpus, count = load_corpus(text.corpus), text.train_characters
    learned = corpus.train[: count or None]
    dev_is_new = len(learned) <= corpus.dev_start
    kind = text.vocabulary
    named = isinstance(kind, str)
    config = TokenizerConfig(kind) if named else TokenizerConfig("bpe", kind)
    tokenizer = build_tokenizer(config, corpus.text if kind == "char" else learned)
    data = corpus.encode(tokenizer)
    if count:
        data = replace(data, train=torch.tensor(tokenizer.encode(learned)))
    return data, dev_is_new


@dataclass(frozen=True)
class Spec:
    """What a sweep runs: every combination of `vary`, with every seed.

    vary: {name: [values]}, or a list of points [{name: value, ...}, ...] where
    settings change together. Names are fields of GPTConfig, ModernConfig (class as in
    `build_config`), TrainConfig or Text; or recipe: one of `recipes`, each a
    dictionary of settings under a name.
    hours: what the whole sweep took on two cores. Raises ValueError or TypeError
    naming what cannot be.
    """

    about: str
    hours: float
    vary: dict[str, list] | list[dict]
    model: dict = field(default_factory=dict)
    training: dict = field(default_factory=dict)
    corpus: str = "tinyshakespeare"
    train_characters: int = 0
    vocabulary: str | int = "char"
    seeds: list[int] = field(default_factory=lambda: [0, 1, 2])
    checks: int = 15
    recipes: dict[str, dict] = field(default_factory=dict)

    def __post_init__(self):
        known = [*MODEL_FIELDS, *TRAINING_FIELDS, *TEXT_FIELDS, RECIPE]
        require_int("checks", self.checks, 1)
        points = self.points()
        if len({frozenset(point) for point in points}) != 1 or not self.seeds:
            raise ValueError(
                f"vary={self.vary}, seeds={self.seeds}: expected at least one seed, "
                "and points that all name the same settings"
            )
        if any(point in points[:i] for i, point in enumerate(points)):
            raise ValueError(f"vary={self.vary}: a point is there twice")
        for point, seed in self.runs():
            for name in point:
                require_choice("vary", name, [k for k in known if k != "seed"])
            self.settings(point, seed)

    def points(self) -> list[dict]:
        """What is varied, one dictionary a point; all with the same names."""
        if isinstance(self.vary, list):
            return self.vary
        combinations = itertools.product(*self.vary.values())
        return [dict(zip(self.vary, values, strict=True)) for values in combinations]

    def fingerprint(self) -> str:
        """What all runs share, in short: a table belongs to one of these."""
        shared = [self.corpus, self.train_characters, self.model, self.training]
        shared += [self.checks, *([self.recipes] if self.recipes else [])]
        # What was not there when the first tables were made leaves theirs as it was.
        shared += [] if self.vocabulary == "char" else [self.vocabulary]
        text = json.dumps(shared, sort_keys=True)
        return "s" + hashlib.sha256(text.encode()).hexdigest()[:8]

    def runs(self) -> Iterator[tuple[dict, int]]:
        """Every point with every seed; seed by seed, so that all points grow alike."""
        for seed, point in itertools.product(self.seeds, self.points()):
            yield point, seed

    def settings(self, point: dict, seed: int) -> tuple[Config, TrainConfig, int]:
        """The shape, training and length of text of one run."""
        own = self._own(point)
        shape = {k: v for k, v in own.items() if k in MODEL_FIELDS}
        rest = {k: v for k, v in own.items() if k in TRAINING_FIELDS}
        return (
            build_config(self.model | shape),
            TrainConfig(**self.training | rest | {"seed": seed}),
            self.text(point).train_characters,
        )

    def text(self, point: dict) -> Text:
        """What one run learns from."""
        own = self._own(point)
        return Text(**{k: own.get(k, getattr(self, k)) for k in TEXT_FIELDS})

    def _own(self, point: dict) -> dict:
        """What a point sets, its recipe written out."""
        own = dict(point)
        if RECIPE in own:
            name = require_choice(RECIPE, own.pop(RECIPE), self.recipes)
            own = self.recipes[name] | own
        for name in own:
            require_choice(
                "setting", name, [*MODEL_FIELDS, *TRAINING_FIELDS, *TEXT_FIELDS]
            )
        return own


def read_spec(path: str | Path) -> Spec:
    """Read a spec from a YAML file; ValueError or OSError says what is wrong."""
    stored = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    names = [field.name for field in fields(Spec)]
    if not isinstance(stored, dict) or not {"about", "hours", "vary"} <= stored.keys():
        raise ValueError(f"{path}: a spec needs at least about, hours and vary")
    for name in stored:
        require_choice(f"{path}: key", name, names)
    return Spec(**stored)
