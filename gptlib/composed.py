"""Models around a model: n-gram tables, n-gram counts, mixtures.

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

from gptlib.cache import KVCache, get_dropout, set_dropout
from gptlib.errors import require_choice, require_int, require_number
from gptlib.model import GPTConfig, Ids, Output, next_token_loss, positions
from gptlib.modern import ModernConfig
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
        require_int("order", self.order, 1, 62)
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
        self, idx: Ids, targets: Ids | None = None, cache: KVCache | None = None
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

    def prepare(self, tokens: Int[Tensor, " N"]) -> None:
        """Prepare the model only: in training nothing asks the counts beside it."""
        if hasattr(self.model, "prepare"):
            self.model.prepare(tokens)

    def logits(self, idx, cache=None):
        text, pos = context(idx, self.block_size, cache)
        logits = self.model(idx, cache=cache)[0]  # (B, T, V)
        if self.training:
            return logits
        counted = self.counts.probabilities(text, pos).clamp(min=1e-9)
        weight = self.config.weight
        return (weight * logits.softmax(dim=-1) + (1 - weight) * counted).log()


def recount(model: nn.Module, text: Int[Tensor, " N"]) -> None:
    """Replace a model's n-gram counts by those of a text; ValueError without any."""
    if not isinstance(model, WithCounts | Mixture):
        raise ValueError(f"{type(model).__name__} has no n-gram counts to replace")
    old = model.counts
    new = CountedNGrams.fit(text, old.vocab_size, old.order, old.block_size)
    model.counts = new.train(old.training)
    model.config = replace(model.config, sizes=new.sizes)


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
