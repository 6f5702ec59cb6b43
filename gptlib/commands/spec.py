"""What a sweep runs: which settings stay, which vary, what text a run learns from.

Read next: `sweep.py`, which runs it.
"""

import hashlib
import itertools
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, fields, replace
from functools import lru_cache
from pathlib import Path

import torch

from gptlib.bpe import TokenizerConfig, build_tokenizer
from gptlib.commands.settings_file import build, read_settings, require_types
from gptlib.composed import Config
from gptlib.data import TokenSplits, load_corpus
from gptlib.errors import require_choice, require_int
from gptlib.handler.build import FLAT_SETTINGS, build_config
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

    train_characters: how many of the first characters of train, 0 for all.
    vocabulary: "char", "gpt2", or the number of tokens that byte-pair encoding finds
    in the training text. Raises ValueError or TypeError naming the wrong value.
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
    """The splits of a run, and whether dev is no part of its training text.

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
    settings change together. Names are settings for `build_config` or fields of
    TrainConfig or Text; or recipe: one of `recipes`, each a dictionary of settings
    under a name. hours: what the whole sweep took on two cores. Raises ValueError or
    TypeError naming the wrong value.
    """

    about: str
    hours: int | float
    vary: dict | list
    model: dict = field(default_factory=dict)
    training: dict = field(default_factory=dict)
    corpus: str = "tinyshakespeare"
    train_characters: int = 0
    vocabulary: str | int = "char"
    seeds: list = field(default_factory=lambda: [0, 1, 2])
    checks: int = 15
    recipes: dict = field(default_factory=dict)

    def __post_init__(self):
        require_types(self)
        require_int("checks", self.checks, 1)
        of_lists = isinstance(self.vary, dict) and all_are(list, self.vary.values())
        of_points = isinstance(self.vary, list) and all_are(dict, self.vary)
        if not (of_lists or of_points) or not all_are(dict, self.recipes.values()):
            raise ValueError(
                f"vary={self.vary}, recipes={self.recipes}: expected lists of values "
                "or a list of points under vary, settings under each name of recipes"
            )
        points = self.points()
        if len({frozenset(point) for point in points}) != 1 or not self.seeds:
            raise ValueError(
                f"vary={self.vary}, seeds={self.seeds}: expected at least one seed, "
                "and points that all name the same settings"
            )
        runs = list(self.runs())
        for i, (point, seed) in enumerate(runs):
            if (point, seed) in runs[:i]:
                raise ValueError(f"point {point} with seed {seed} occurs twice")
            self.settings(point, seed)

    def points(self) -> list[dict]:
        """What is varied, one dictionary per point; all with the same names."""
        if isinstance(self.vary, list):
            return self.vary
        combinations = itertools.product(*self.vary.values())
        return [dict(zip(self.vary, values, strict=True)) for values in combinations]

    def fingerprint(self) -> str:
        """A short hash of what all runs have in common: a table belongs to one."""
        shared = [self.corpus, self.train_characters, self.model, self.training]
        shared += [self.checks, *([self.recipes] if self.recipes else [])]
        # Settings added later leave the hash of earlier tables as it was.
        shared += [] if self.vocabulary == "char" else [self.vocabulary]
        text = json.dumps(shared, sort_keys=True)
        return "s" + hashlib.sha256(text.encode()).hexdigest()[:8]

    def runs(self) -> Iterator[tuple[dict, int]]:
        """Every point with every seed; seed by seed, so that all points grow alike."""
        for seed, point in itertools.product(self.seeds, self.points()):
            yield point, seed

    def settings(self, point: dict, seed: int) -> tuple[Config, TrainConfig, int]:
        """The model's configuration, the training and the length of text of a run."""
        own = self.own(point)
        model = {k: v for k, v in own.items() if k in MODEL_FIELDS}
        rest = {k: v for k, v in own.items() if k in TRAINING_FIELDS}
        return (
            build_config(self.model | model),
            TrainConfig(**self.training | rest | {"seed": seed}),
            self.text(point).train_characters,
        )

    def text(self, point: dict) -> Text:
        """What one run learns from."""
        own = self.own(point)
        return Text(**{k: own.get(k, getattr(self, k)) for k in TEXT_FIELDS})

    def own(self, point: dict) -> dict:
        """The settings of a point, those of its recipe included."""
        own = dict(point)
        if RECIPE in own:
            name = require_choice(RECIPE, own.pop(RECIPE), self.recipes)
            own = self.recipes[name] | own
        known = [*MODEL_FIELDS, *TRAINING_FIELDS, *TEXT_FIELDS]
        known.remove("seed")
        for name in own:
            require_choice("vary", name, known)
        return own


def all_are(kind: type, values: Iterable) -> bool:
    """Whether all values are of one type."""
    return all(isinstance(value, kind) for value in values)


def read_spec(path: str | Path) -> Spec:
    """Read a spec from a YAML file; ValueError or OSError says what is wrong."""
    stored = read_settings(path)
    if not {"about", "hours", "vary"} <= stored.keys():
        raise ValueError(f"{path}: a spec needs at least about, hours and vary")
    return build(Spec, stored, path)
