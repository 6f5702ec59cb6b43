"""Models from settings: what a recipe, a sweep or a model file names is built here.

Read next: `modelfile.py`, which stores the settings.
"""

from dataclasses import fields, replace

from jaxtyping import Int
from torch import Tensor, nn

from gptlib.composed import (
    Config,
    CountsConfig,
    Mixture,
    MixtureConfig,
    TablesConfig,
    WithCounts,
    WithTables,
    WrapperConfig,
)
from gptlib.errors import require_choice
from gptlib.model import GPT, GPTConfig
from gptlib.modern import ModernConfig, ModernGPT
from gptlib.ngram import CountedNGrams

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
        known = [f.name for f in fields(CONFIGS[name])]
        known += ['those of a recipe with "class": "ModernGPT"'] * (name == "GPT")
        require_choice(f"setting of {name}", key, known)
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
    if weight and settings.get("count") != 0:
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


# The weights of a ModernGPT's added parts, which do nothing while they are zero.
AT_ZERO = ("conv_1.weight", "conv_2.weight", "attn.mix", "gate.weight", "gate.bias")


def plain_name(name: str) -> str:
    """The name of a tensor without the models around the one that it belongs to."""
    while name.startswith("model."):
        name = name.removeprefix("model.")
    return name


def take_weights(model: nn.Module, other: nn.Module) -> None:
    """Copy the weights of a model of the same layers; the counts stay the model's own.

    Context and dropout may differ, one may be mixed with counts and the other not, and
    parts that ModernConfig adds and the other lacks begin at zero: as if they were not
    there. Raises ValueError when a shape does not fit.
    """
    model.texts = getattr(other, "texts", [])  # what the weights were learned from
    own = model.state_dict()
    ours = {plain_name(k): k for k in own}
    theirs = {plain_name(k): v for k, v in other.state_dict().items()}
    weights = {k: v.new_zeros(v.shape) for k, v in own.items() if k.endswith(AT_ZERO)}
    weights |= {
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
    surplus = unknown.unexpected_keys
    if lacking or surplus:
        raise ValueError(
            f"the model to begin with has other parts: it lacks {lacking[:1]} "
            f"({len(lacking)} in all), and {surplus[:1]} ({len(surplus)} in all) have "
            "no place here; give both the same shape"
        )
