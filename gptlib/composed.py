"""Models around a model: n-gram tables, n-gram counts, mixtures; models from settings.

`WithTables` adds n-gram tables to a transformer's embeddings, `WithCounts` learns
beside n-gram counts, `Mixture` averages probabilities with theirs. Each has the
interface of `GPT`; the model inside it is its `.model`, and still a model by itself.
Read next: `optim.py`, then `training.py`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import torch
from jaxtyping import Int
from torch import Tensor, nn

from gptlib.cache import KVCache
from gptlib.errors import require_choice, require_int, require_number
from gptlib.model import (
    GPT,
    GPTConfig,
    Output,
    get_dropout,
    next_token_loss,
    positions,
    set_dropout,
)
from gptlib.modern import ModernConfig, ModernGPT
from gptlib.ngram import CountedNGrams, NGramTables


@dataclass(frozen=True)
class WrapperConfig:
    """The configuration of a model around another one; model: the other's."""

    model: "Config"

    inner = ("GPTConfig", "ModernConfig", "TablesConfig", "CountsConfig")
    vocab_size = property(lambda self: self.model.vocab_size)
    block_size = property(lambda self: self.model.block_size)

    def __post_init__(self):
        require_choice("model", type(self.model).__name__, self.inner)
        for field in fields(self):
            if isinstance(getattr(self, field.name), list):  # JSON has no tuples
                object.__setattr__(self, field.name, tuple(getattr(self, field.name)))


@dataclass(frozen=True)
class TablesConfig(WrapperConfig):
    """The configuration of `WithTables`.

    Raises TypeError or ValueError naming the first field that cannot be.
    """

    ngrams: Sequence[int] = (2, 3, 4, 5)  # the lengths that get a table each
    rows: int = 8192  # of each table

    inner = ("ModernConfig",)

    def __post_init__(self):
        super().__post_init__()
        for n in self.ngrams or [0]:
            require_int("ngrams", n, 2, 16)
        require_int("rows", self.rows, 1)


@dataclass(frozen=True)
class CountsConfig(WrapperConfig):
    """The configuration of `WithCounts`.

    Raises TypeError or ValueError naming the first field that cannot be.
    """

    order: int = 6  # the length of the longest n-grams that are counted
    sizes: Sequence[int] = ()  # how many there are of each length; filled in

    inner = ("ModernConfig", "TablesConfig")

    def __post_init__(self):
        super().__post_init__()
        require_int("order", self.order, 1)
        for size in self.sizes:
            require_int("sizes", size, 0)
        if len(self.sizes) not in (0, self.order):
            raise ValueError(
                f"sizes={self.sizes}: expected {self.order} numbers, one for each "
                f"length up to order={self.order}, or none before counting"
            )


@dataclass(frozen=True)
class MixtureConfig(CountsConfig):
    """The configuration of `Mixture`.

    Raises TypeError or ValueError naming the first field that cannot be.
    """

    weight: float = 0.5  # of the model's probabilities, in [0, 1)

    inner = WrapperConfig.inner

    def __post_init__(self):
        super().__post_init__()
        require_number("weight", self.weight, 0.0, 1.0, below=True)


class Wrapper(nn.Module):
    """A model around a model: idx (B, T) -> logits (B, T, V), by its `logits`."""

    # Checkpoints number parameters in the order in which modules are assigned, and
    # those written before have the model inside last.
    dropout = property(get_dropout, set_dropout)
    block_size = property(lambda self: self.model.block_size)
    lm_head = property(lambda self: self.model.lm_head)

    def forward(
        self,
        idx: Int[Tensor, "B T"],
        targets: Int[Tensor, "B T"] | None = None,
        cache: KVCache | None = None,
    ) -> Output:
        logits = self.logits(idx, cache)  # (B, T, V)
        return logits, next_token_loss(logits, targets)

    def prepare(self, tokens: Int[Tensor, " N"]) -> None:
        """Prepare each part that has to be for training on tokens."""
        for part in self.children():
            if hasattr(part, "prepare"):
                part.prepare(tokens)


class WithTables(Wrapper):
    """A transformer, to whose token embeddings rows of n-gram tables are added.

    model: a ModernGPT; ngrams: the lengths that get a table of so many rows each.
    Raises ValueError as `TablesConfig` does.
    """

    def __init__(
        self, model: nn.Module, ngrams: Sequence[int] = (2, 3, 4, 5), rows: int = 8192
    ):
        super().__init__()
        self.config = TablesConfig(model.config, tuple(ngrams), rows)
        self.tables = NGramTables(ngrams, rows, model.config.n_embd)
        self.model = model

    def hidden(self, idx, cache=None):
        """As `ModernGPT.hidden`."""
        text, pos = context(idx, self.block_size, cache)
        return self.model.hidden(idx, cache, extra=self.tables(text, pos))

    def logits(self, idx, cache=None):
        return self.lm_head(self.hidden(idx, cache))  # (B, T, V)


class WithCounts(Wrapper):
    """A transformer that learns what n-gram counts do not know.

    Its logits are added to the counts' log-probabilities times a factor that it
    chooses at each position. model: a ModernGPT, with tables or without. Raises
    ValueError when the vocabularies differ, and as `CountsConfig` does.
    """

    def __init__(self, model: nn.Module, counts: CountedNGrams):
        super().__init__()
        self.config = CountsConfig(model.config, counts.order, counts.sizes)
        check_vocabularies(model, counts)
        self.trust = nn.Parameter(torch.zeros(model.lm_head.in_features))
        self.counts, self.model = counts, model

    def logits(self, idx, cache=None):
        text, pos = context(idx, self.block_size, cache)
        x = self.model.hidden(idx, cache)  # (B, T, C)
        counted = self.counts.probabilities(text, pos).clamp(min=1e-9)
        trust = 1 + x @ self.trust  # (B, T)
        return self.lm_head(x) + trust[..., None] * counted.log()


class Mixture(Wrapper):
    """A weighted mean of a model's probabilities and those of n-gram counts.

    In training mode it is the model alone. weight: of the model's probabilities, in
    [0, 1); the rest is the counts'. Raises ValueError when the vocabularies differ,
    and as `MixtureConfig` does.
    """

    def __init__(self, model: nn.Module, counts: CountedNGrams, weight: float = 0.5):
        super().__init__()
        self.config = MixtureConfig(model.config, counts.order, counts.sizes, weight)
        check_vocabularies(model, counts)
        self.counts, self.model = counts, model

    def logits(self, idx, cache=None):
        text, pos = context(idx, self.block_size, cache)
        logits = self.model(idx, cache=cache)[0]  # (B, T, V)
        if self.training:
            return logits
        counted = self.counts.probabilities(text, pos).clamp(min=1e-9)
        weight = self.config.weight
        return (weight * logits.softmax(dim=-1) + (1 - weight) * counted).log()


def context(
    idx: Int[Tensor, "B T"], block_size: int, cache: KVCache | None
) -> tuple[Int[Tensor, "B S"], Int[Tensor, "B T"]]:
    """The texts that end with idx, and idx's positions in them."""
    pos = positions(idx, block_size, cache).expand(idx.shape)
    return idx if cache is None else cache.text(), pos


def check_vocabularies(model: nn.Module, counts: CountedNGrams) -> None:
    """Raise ValueError unless model and counts know the same tokens."""
    if model.config.vocab_size != counts.vocab_size:
        raise ValueError(
            f"the model knows {model.config.vocab_size} tokens, the n-grams were "
            f"counted in a text of {counts.vocab_size}: count one that was encoded "
            "with the model's tokenizer"
        )


Config = GPTConfig | ModernConfig | TablesConfig | CountsConfig
CONFIGS = {
    "GPT": GPTConfig,
    "ModernGPT": ModernConfig,
    "WithTables": TablesConfig,
    "WithCounts": CountsConfig,
    "Mixture": MixtureConfig,
}
# Settings of a ModernGPT that name models around it, as they were written at first.
FLAT_SETTINGS = ("ngrams", "table_rows", "count", "counted", "blend")


def build_config(settings: dict) -> Config:
    """The configuration that settings name.

    "class": one of CONFIGS, by default "GPT"; "model", of a model around another: the
    settings of that one; the rest: the configuration's fields. Raises TypeError or
    ValueError naming what cannot be.
    """
    rest = nested(settings)
    name = require_choice("class", rest.pop("class", "GPT"), CONFIGS)
    if isinstance(rest.get("model"), dict):
        rest["model"] = build_config(rest["model"])
    for key in rest:
        require_choice(
            f"setting of {name}", key, [f.name for f in fields(CONFIGS[name])]
        )
    return CONFIGS[name](**rest)


def nested(settings: dict) -> dict:
    """Settings in which FLAT_SETTINGS of a ModernGPT are models around it."""
    rest = {k: v for k, v in settings.items() if k not in FLAT_SETTINGS}
    if settings.get("class") != "ModernGPT":
        return dict(settings)
    if settings.get("ngrams"):
        tables = {
            "ngrams": settings["ngrams"],
            "rows": settings.get("table_rows", 8192),
        }
        rest = {"class": "WithTables", "model": rest} | tables
    order, weight = settings.get("count", 0), settings.get("blend", 0.0)
    counts = {"order": order, "sizes": settings.get("counted", ())}
    if weight:
        return {"class": "Mixture", "model": rest, "weight": weight} | counts
    return {"class": "WithCounts", "model": rest} | counts if order else rest


def describe_config(config: Config) -> dict:
    """The settings from which `build_config` makes a configuration."""
    own = {field.name: getattr(config, field.name) for field in fields(config)}
    if isinstance(config, WrapperConfig):
        own["model"] = describe_config(config.model)
    names = {kind: name for name, kind in CONFIGS.items()}
    return {"class": names[type(config)]} | own


def innermost(config: Config) -> GPTConfig | ModernConfig:
    """The configuration of the transformer inside."""
    return innermost(config.model) if isinstance(config, WrapperConfig) else config


def resize(config: Config, **changes) -> Config:
    """The configuration with other fields of the transformer inside."""
    if isinstance(config, WrapperConfig):
        return replace(config, model=resize(config.model, **changes))
    return replace(config, **changes)


def build_model(config: Config, tokens: Int[Tensor, " N"] | None = None) -> nn.Module:
    """An untrained model of a configuration; n-grams, if it has any, are counted in
    tokens. Without tokens they are left empty, for a state to be loaded.
    """
    if isinstance(config, GPTConfig):
        return GPT(config)
    if isinstance(config, ModernConfig):
        return ModernGPT(config)
    model = build_model(config.model, tokens)
    if isinstance(config, TablesConfig):
        return WithTables(model, config.ngrams, config.rows)
    V, T = config.vocab_size, config.block_size
    if tokens is None:
        counts = CountedNGrams(V, config.sizes or (0,) * config.order, T)
    else:
        counts = CountedNGrams.fit(tokens, V, config.order, T)
    if isinstance(config, MixtureConfig):
        return Mixture(model, counts, config.weight)
    return WithCounts(model, counts)


def plain_name(name: str) -> str:
    """The name of a tensor without the models around the one that it belongs to."""
    while name.startswith("model."):
        name = name.removeprefix("model.")
    return name


def take_weights(model: nn.Module, other: nn.Module) -> None:
    """Copy the weights of a model of the same layers; the counts stay the model's own.

    Context and dropout may differ, and one may be mixed with counts and the other
    not. Raises ValueError when a shape does not fit.
    """
    ours = {plain_name(k): k for k in model.state_dict()}
    theirs = {plain_name(k): v for k, v in other.state_dict().items()}
    weights = {
        ours.get(k, k): v for k, v in theirs.items() if not k.startswith("counts.")
    }
    try:
        unknown = model.load_state_dict(weights, strict=False)
    except RuntimeError as error:
        lines = str(error).splitlines()
        first = lines[min(1, len(lines) - 1)].strip()  # below a heading
        raise ValueError(f"the weights to begin with do not fit: {first}") from None
    missing = map(plain_name, unknown.missing_keys)
    lacking = [k for k in missing if not k.startswith("counts.")]
    if lacking or unknown.unexpected_keys:
        raise ValueError(
            f"the model to begin with has other parts: it lacks {lacking}, and "
            f"{unknown.unexpected_keys} have no place here; give both the same shape"
        )
