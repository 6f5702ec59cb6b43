"""One training as a file: which text, which model, how it is trained and stored.

    {"corpus": "tinyshakespeare",
     "model": {"n_layer": 4, "block_size": 64},
     "training": {"steps": 3000, "lr": 0.004}}

JSON or YAML, by the file's suffix. Read next: `train.py`, which runs it.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path

from gptlib.bpe import TokenizerConfig
from gptlib.commands.settings_file import (
    build,
    read_settings,
    require_types,
    write_settings,
)
from gptlib.errors import require_choice, require_int
from gptlib.files.meta import meta_device
from gptlib.handler import STORED_TYPES
from gptlib.handler.build import build_config, build_model, innermost, take_weights
from gptlib.handler.modelfile import LAYERS
from gptlib.model import count_parameters
from gptlib.settings import RETIRED, TrainConfig

LARGEST = 10**11  # parameters


@dataclass(frozen=True)
class Recipe:
    """Everything that one training depends on; wrong values are refused at once.

    corpus: as for `open_corpus`. model: settings for `build_config`; without
    "vocab_size" the model has the tokenizer's; without "class" they change the shape
    of `start`, or of the default GPT. start: a model's folder, a published model's
    name, or a recipe that is trained first. dtype: how the finished model is stored.
    about: a note for people. Raises TypeError or ValueError naming the wrong value.
    """

    corpus: str = "tinyshakespeare"
    model: dict = field(default_factory=dict)
    training: TrainConfig = field(default_factory=TrainConfig)
    tokenizer: TokenizerConfig = field(default_factory=TokenizerConfig)
    start: "str | Recipe | None" = None
    dtype: str = "float32"
    about: str = ""

    def __post_init__(self):
        require_types(self)
        require_choice("dtype", self.dtype, tuple(STORED_TYPES))
        if isinstance(self.start, str) and "class" not in self.model:
            return  # the shape that it changes is read when the training begins
        try:
            config = build_config(self.shape)
            require_int("n_layer", innermost(config).n_layer, 1, LAYERS)
            with meta_device():  # shapes without numbers
                size = count_parameters(build_model(config))
        except (TypeError, ValueError, RuntimeError, OverflowError) as error:
            raise ValueError(f"model: {error}") from None
        if size > LARGEST:
            raise ValueError(
                f"model: {self.model} has {size:,} parameters: expected at most "
                f"{LARGEST:,}"
            )
        if isinstance(self.start, Recipe):
            with meta_device():
                first = build_model(build_config(self.start.shape))
                take_weights(build_model(config), first)

    @property
    def shape(self) -> dict:
        """The model's settings and, without a class, those that it starts with."""
        start = self.start.shape if isinstance(self.start, Recipe) else {}
        return self.model if "class" in self.model else override(start, self.model)

    @property
    def vocab_size(self) -> int | None:
        """The size of the model's vocabulary; None for the tokenizer's."""
        model = self.model
        while "model" in model:
            model = model["model"]
        return model.get("vocab_size")

    @classmethod
    def of(cls, settings: dict, source: str | Path) -> "Recipe":
        """The recipe that a file's content describes; errors begin with source."""
        needed = ["corpus", "training"] + ["model"] * (settings.get("start") is None)
        for name in needed:
            if name not in settings:
                raise ValueError(f"{source} lacks {name!r}")
        values = dict(settings)
        if isinstance(values["training"], dict):
            kept = values["training"].items()
            values["training"] = {k: v for k, v in kept if k not in RETIRED}
        for name, kind in SECTIONS.items():
            if name in values:
                values[name] = build(kind, values[name], f"{source}, {name}")
        if isinstance(values.get("start"), dict):
            inner = {"corpus": values["corpus"]} | values["start"]
            values["start"] = cls.of(inner, f"{source}, start")
        return build(cls, values, source)

    def settings(self) -> dict:
        """What a file stores; `Recipe.of` makes the same recipe of it."""
        stored = {f.name: getattr(self, f.name) for f in fields(self)}
        for name in SECTIONS:
            section = asdict(stored[name])
            stored[name] = {k: v for k, v in section.items() if v is not None}
        if isinstance(self.start, Recipe):
            stored["start"] = self.start.settings()
        needed = "" if self.start else "model"
        return {k: v for k, v in stored.items() if v or k == needed}


SECTIONS = {"training": TrainConfig, "tokenizer": TokenizerConfig}


def read_recipe(path: str | Path) -> Recipe:
    """Read a recipe. Raises OSError, or ValueError that names the file and the key."""
    return Recipe.of(read_settings(path), path)


def write_recipe(path: str | Path, recipe: Recipe) -> None:
    """Store a recipe. Raises OSError, or ValueError for another kind of file."""
    write_settings(path, recipe.settings())


def override(model: dict, changes: dict) -> dict:
    """A model's settings with some changed, those of the transformer inside it too."""
    own = {k: v for k, v in changes.items() if k in model or "model" not in model}
    inner = {k: v for k, v in changes.items() if k not in own}
    if inner:
        own["model"] = override(model["model"], inner)
    return model | own


def differences(given: dict, own: dict) -> Iterator[tuple]:
    """(name, given, own) of the settings of a model, and of the one inside it."""
    for name, value in given.items():
        if isinstance(value, dict) and isinstance(own.get(name), dict):
            yield from differences(value, own[name])
        elif name in own and value not in ((), []):  # (): what is counted says it
            alike = list(value) if isinstance(value, tuple) else value
            here = list(own[name]) if isinstance(own[name], tuple) else own[name]
            if alike != here:
                yield name, value, own[name]
