"""ModernGPT: what has changed since GPT-2, small enough to read in one sitting.

Rotary positions, RMSNorm, normalised queries and keys, ReLU², no biases, layers
that begin by adding nothing, value residuals; and, of another kind, what is no
transformer at all: tables of hashed n-grams, and a counted model beside it. Each can
be taken away, or added, by `ModernConfig`, so that its worth can be measured. Trained
with `optimizer="muon"` (`optim.py`). Same interface as `GPT`.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from gptlib.attention import divide
from gptlib.cache import KVCache
from gptlib.errors import require_choice, require_int, require_number
from gptlib.model import (
    GPT,
    GPTConfig,
    Output,
    get_dropout,
    look_up,
    next_token_loss,
    positions,
    set_dropout,
)
from gptlib.ngram import CountedNGrams, NGramTables

PARTS = ("rotary", "rmsnorm", "qk_norm", "relu2", "no_biases", "zero_init")


@dataclass(frozen=True)
class ModernConfig:
    """The shape of a ModernGPT, and which of its parts it has.

    ngrams: the lengths of the n-grams that get a table each, of table_rows rows;
    () for none. without: parts to replace by what GPT-2 has, out of PARTS. count: the
    order of the counted n-grams beside the transformer, 0 for none (`build_model`
    counts them); counted: their sizes, filled in by the model. blend: the transformer
    learns alone, and afterwards has this share of the probabilities, the counts the
    rest; 0 for learning together. value_residual: each block's values are mixed with
    the first block's.
    Raises TypeError or ValueError naming the first field that cannot be.
    """

    vocab_size: int = 65  # tokens that there are
    block_size: int = 128  # the longest context, in tokens
    n_layer: int = 4  # blocks
    n_head: int = 4  # attention heads of each; n_embd is a multiple of it
    n_embd: int = 128  # numbers that stand for a token
    dropout: float = 0.0  # share of numbers left out in training, in [0, 1)
    ngrams: Sequence[int] = ()  # lengths of n-grams that get a table each, 2 to 16
    table_rows: int = 8192  # of each table
    without: Sequence[str] = ()  # parts replaced by what GPT-2 has
    count: int = 0  # order of the counted n-grams beside the transformer; 0 for none
    counted: Sequence[int] = ()  # their sizes, filled in by the model
    blend: float = 0.0  # learn alone; this share against the counts, in [0, 1)
    value_residual: bool = False  # mix values with the first block's

    def __post_init__(self):
        names = ("vocab_size", "block_size", "n_layer", "n_head", "n_embd")
        for name in (*names, "table_rows"):
            require_int(name, getattr(self, name), 1)
        require_number("dropout", self.dropout, 0.0, 1.0, below=True)
        require_int("count", self.count, 0)
        for name in ("ngrams", "without", "counted"):
            object.__setattr__(self, name, tuple(getattr(self, name)))  # JSON has lists
        for n in self.ngrams:
            require_int("ngrams", n, 2, 16)
        for part in self.without:
            require_choice("without", part, PARTS)
        require_number("blend", self.blend, 0.0, 1.0, below=True)
        require_choice("value_residual", self.value_residual, (True, False))
        if self.blend and not self.count:
            raise ValueError(f"blend={self.blend}: expected count >= 1 to blend with")
        if divide(self.n_embd, self.n_head) % 2:
            raise ValueError(
                f"n_embd={self.n_embd}, n_head={self.n_head}: rotary positions turn "
                "pairs of numbers; expected an even n_embd / n_head"
            )


def rms_norm(x: Float[Tensor, "... D"]) -> Float[Tensor, "... D"]:
    """x over the root of its mean square; no weights, no mean taken away."""
    return F.rms_norm(x, (x.size(-1),))


class RMSNorm(nn.Module):
    """`rms_norm` as a layer."""

    def forward(self, x: Float[Tensor, "... D"]) -> Float[Tensor, "... D"]:
        return rms_norm(x)


def rotate(
    x: Float[Tensor, "B H T D"], angles: Float[Tensor, "..."]
) -> Float[Tensor, "B H T D"]:
    """Turn pair i of x at place t by angles[t, i]: RoPE, arXiv 2104.09864.

    The product of two vectors turned like this depends on how far apart their
    places are, and not on where they are.
    """
    a, b = x.chunk(2, dim=-1)  # (B, H, T, D/2) each
    cos, sin = angles.cos(), angles.sin()
    return torch.cat([a * cos - b * sin, a * sin + b * cos], dim=-1)


class ModernAttention(nn.Module):
    """Causal self-attention with rotary positions and normalised queries and keys.

    Maps (B, T, C) to (B, T, C), and returns its values (B, H, T, D) beside; angles:
    (T, D/2), or None to leave places out; first: the first block's values, of which
    a layer that mixes takes a learned share (Zhou et al., 2024, arXiv 2410.17897).
    """

    def __init__(self, config: ModernConfig, mixes: bool = False):
        super().__init__()
        C = config.n_embd
        self.n_head, self.head_size = config.n_head, C // config.n_head
        bias = "no_biases" in config.without
        self.qkv = nn.Linear(C, 3 * C, bias)
        self.proj = nn.Linear(C, C, bias)
        self.resid_drop = nn.Dropout(config.dropout)
        self.qk_norm = "qk_norm" not in config.without
        self.share = nn.Parameter(torch.tensor(0.5)) if mixes else None

    def forward(self, x, angles, cache=None, first=None):
        B, T, C = x.shape
        q, k, v = (
            part.view(B, T, self.n_head, self.head_size).transpose(1, 2)
            for part in self.qkv(x).split(C, dim=-1)  # (B, H, T, D)
        )
        if self.qk_norm:
            q, k = rms_norm(q), rms_norm(k)
        if angles is not None:
            q, k = rotate(q, angles), rotate(k, angles)
        if self.share is not None:
            v = v + self.share * (first - v)
        if cache is None:
            y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        else:
            y = cache.attend(q, k, v)
        y = y.transpose(1, 2).reshape(x.shape)  # (B, T, C)
        return self.resid_drop(self.proj(y)), v


class ModernFeedForward(nn.Module):
    """C -> 4C -> ReLU² -> C (arXiv 2109.08668), no biases."""

    def __init__(self, config: ModernConfig):
        super().__init__()
        C, bias = config.n_embd, "no_biases" in config.without
        self.fc = nn.Linear(C, 4 * C, bias)
        self.proj = nn.Linear(4 * C, C, bias)
        self.drop = nn.Dropout(config.dropout)
        self.relu2 = "relu2" not in config.without

    def forward(self, x: Float[Tensor, "B T C"]) -> Float[Tensor, "B T C"]:
        h = self.fc(x)  # (B, T, 4C)
        h = F.relu(h).square() if self.relu2 else F.gelu(h, approximate="tanh")
        return self.drop(self.proj(h))


class ModernBlock(nn.Module):
    """As `Block`: norm, attention, add; norm, feed-forward, add."""

    def __init__(self, config: ModernConfig, mixes: bool = False):
        super().__init__()
        self.norm_1, self.norm_2 = build_norm(config), build_norm(config)
        self.attn = ModernAttention(config, mixes)
        self.mlp = ModernFeedForward(config)

    def forward(self, x, angles, cache=None, first=None):
        y, values = self.attn(self.norm_1(x), angles, cache, first)
        x = x + y  # (B, T, C)
        return x + self.mlp(self.norm_2(x)), values


class ModernGPT(nn.Module):
    """A GPT as one would build it today; the interface is that of `GPT`.

    idx (B, T) -> logits (B, T, V) for T up to block_size. counted: a model that has
    counted the training text; its log-probabilities, times a factor that the
    transformer chooses at each place, are what its own logits are added to. With
    config.blend they meet only in evaluation mode, as a weighted mean of probabilities.
    """

    dropout = property(get_dropout, set_dropout)

    def __init__(self, config: ModernConfig, counted: CountedNGrams | None = None):
        super().__init__()
        self.counted = counted or uncounted(config)
        check_counts(config, self.counted)
        sizes = () if self.counted is None else self.counted.config["sizes"]
        self.config = config = replace(config, counted=sizes)
        self.block_size, C = config.block_size, config.n_embd
        self.wte = nn.Embedding(config.vocab_size, C)
        self.ngrams = None
        if config.ngrams:
            self.ngrams = NGramTables(config.ngrams, config.table_rows, C)
        learned = "rotary" in config.without
        self.wpe = nn.Embedding(config.block_size, C) if learned else None
        self.drop = nn.Dropout(config.dropout)
        self.blocks = nn.ModuleList(
            ModernBlock(config, mixes=config.value_residual and i > 0)
            for i in range(config.n_layer)
        )
        self.norm_f = build_norm(config)
        self.lm_head = nn.Linear(C, config.vocab_size, bias=False)
        chooses = config.counted and not config.blend
        self.trust = nn.Parameter(torch.zeros(C)) if chooses else None
        init_modern(self, config)

    def forward(
        self,
        idx: Int[Tensor, "B T"],
        targets: Int[Tensor, "B T"] | None = None,
        cache: KVCache | None = None,
    ) -> Output:
        places = positions(idx, self.block_size, cache)  # (T,) or (B, T)
        text = idx if cache is None else cache.text()  # (B, S): what is known so far
        x = look_up(self.wte, idx)  # (B, T, C)
        if self.ngrams is not None:
            x = x + self.ngrams(text, places.expand(idx.shape))
        if self.wpe is not None:
            x, angles = x + self.wpe(places), None
        else:
            angles = rotary_angles(places, self.config.n_embd // self.config.n_head)
        x, first = self.drop(x), None
        for block in self.blocks:
            x, values = block(x, angles, cache, first)  # (B, T, C), (B, H, T, D)
            first = values if first is None else first
        x = self.norm_f(x)
        logits = self.lm_head(x)  # (B, T, V)
        alone = self.training and self.config.blend
        if self.counted is not None and not alone:
            p = self.counted.probabilities(text, places.expand(idx.shape))
            logits = self.add_counts(x, logits, p.clamp(min=1e-9))
        return logits, next_token_loss(logits, targets)

    def add_counts(self, x, logits, p):
        """What the transformer says and what the counts say, as one: (B, T, V)."""
        if share := self.config.blend:
            return (share * logits.softmax(dim=-1) + (1 - share) * p).log()
        trust = 1 + x @ self.trust  # (B, T)
        return logits + trust[..., None] * p.log()


def rotary_angles(places: Int[Tensor, "..."], head_size: int) -> Float[Tensor, "..."]:
    """place / 10000^(2i/D) for pair i: (T, D/2), or (B, 1, T, D/2) for (B, T)."""
    half = torch.arange(head_size // 2, device=places.device)
    frequencies = 10_000.0 ** (-half / (head_size // 2))  # (D/2,)
    angles = places[..., None] * frequencies
    return angles if places.ndim == 1 else angles[:, None]


def uncounted(config: ModernConfig) -> CountedNGrams | None:
    """The empty counted model that a saved one is read into."""
    if not config.counted:
        return None
    return CountedNGrams(config.vocab_size, config.counted, config.block_size)


def check_counts(config: ModernConfig, counted: CountedNGrams | None) -> None:
    """Raise ValueError when the counts are not those that the configuration names."""
    order = counted.order if counted is not None and config.count else 0
    vocab_size = (counted or config).vocab_size
    if (vocab_size, order) != (config.vocab_size, config.count):
        raise ValueError(
            f"vocab_size={config.vocab_size}, count={config.count}: the counts given "
            f"are of {vocab_size} tokens and order {order} (0: none); "
            "build_model(config, tokens) counts what fits"
        )


def build_norm(config: ModernConfig) -> nn.Module:
    """RMSNorm, or LayerNorm where the configuration takes it away."""
    return nn.LayerNorm(config.n_embd) if "rmsnorm" in config.without else RMSNorm()


def init_modern(model: ModernGPT, config: ModernConfig) -> None:
    """Draw the first weights; what writes to the stream, or to the logits, is zero.

    So the untrained model says what its counts say, or that all tokens are alike,
    and every layer begins as one that changes nothing.
    """
    nn.init.normal_(model.wte.weight, std=0.02)
    if model.wpe is not None:
        nn.init.normal_(model.wpe.weight, std=0.02)
    deviation = 0.02 / math.sqrt(2 * config.n_layer)
    for name, module in model.named_modules():
        if not isinstance(module, nn.Linear):
            continue
        writes = name.endswith(("proj", "lm_head"))
        if writes and "zero_init" not in config.without:
            nn.init.zeros_(module.weight)
        else:
            nn.init.normal_(module.weight, std=deviation if writes else 0.02)
        if module.bias is not None:
            nn.init.zeros_(module.bias)


def build_config(settings: dict) -> GPTConfig | ModernConfig:
    """The shape that a recipe names: "class": "GPT" (default) or "ModernGPT".

    The other keys are the fields of GPTConfig or ModernConfig.
    """
    rest = {k: v for k, v in settings.items() if k != "class"}
    kind = require_choice("class", settings.get("class", "GPT"), ("GPT", "ModernGPT"))
    return GPTConfig(**rest) if kind == "GPT" else ModernConfig(**rest)


def build_model(
    config: GPTConfig | ModernConfig, tokens: Int[Tensor, " N"]
) -> GPT | ModernGPT:
    """An untrained model of a shape; n-grams, if it has any, are counted in tokens."""
    if isinstance(config, GPTConfig):
        return GPT(config)
    if not config.count:
        return ModernGPT(config)
    V, T = config.vocab_size, config.block_size
    return ModernGPT(config, CountedNGrams.fit(tokens, V, config.count, T))


def take_weights(model: nn.Module, other: nn.Module) -> None:
    """Copy the weights of a model of the same layers; the counts stay the model's own.

    Context and dropout may differ. Raises ValueError when a shape does.
    """
    theirs = other.state_dict()
    weights = {k: v for k, v in theirs.items() if not k.startswith("counted.")}
    try:
        unknown = model.load_state_dict(weights, strict=False)
    except RuntimeError as error:
        raise ValueError(f"the weights to begin with do not fit: {error}") from None
    lacking = [k for k in unknown.missing_keys if not k.startswith("counted.")]
    if lacking or unknown.unexpected_keys:
        raise ValueError(
            f"the model to begin with has other parts: it lacks {lacking}, and "
            f"{unknown.unexpected_keys} have no place here; give both the same shape"
        )
