"""ModernGPT: what has changed since GPT-2, small enough to read in one sitting.

Rotary positions, RMSNorm, normalised queries and keys, ReLU², no biases, layers that
begin by adding nothing, value residuals, short convolutions, a gate for each head.
`ModernConfig` can remove or add each, so that its worth can be measured. Same
interface as `GPT`; trained with `optimizer="muon"` (`optim.py`). Read next: `ngram.py`.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from gptlib.attention import divide
from gptlib.cache import KVCache, Model
from gptlib.errors import require_choice, require_int, require_number
from gptlib.model import Ids, Output, next_token_loss, positions

PARTS = ("rotary", "rmsnorm", "qk_norm", "relu2", "no_biases", "zero_init")
ADDED = ("value_residual", "convolution", "head_gate")


@dataclass(frozen=True)
class ModernConfig:
    """The shape of a ModernGPT, and which of its parts it has.

    without: parts to replace by what GPT-2 has, out of PARTS. Raises TypeError or
    ValueError naming the first field that cannot be.
    """

    vocab_size: int = 65  # number of tokens
    block_size: int = 128  # the longest context, in tokens
    n_layer: int = 4  # blocks
    n_head: int = 4  # attention heads of each; n_embd is a multiple of it
    n_embd: int = 128  # length of a token's embedding
    dropout: float = 0.0  # probability of setting a number to zero, in [0, 1)
    without: Sequence[str] = ()  # parts replaced by what GPT-2 has
    value_residual: bool = False  # mix values with the first block's
    convolution: bool = False  # add a ShortConvolution after each block's norms
    head_gate: bool = False  # scale each head's output by what its input says

    def __post_init__(self):
        for name in ("vocab_size", "block_size", "n_layer", "n_head", "n_embd"):
            require_int(name, getattr(self, name), 1)
        require_number("dropout", self.dropout, 0.0, 1.0, below=True)
        object.__setattr__(self, "without", tuple(self.without))  # JSON has lists
        for part in self.without:
            require_choice("without", part, PARTS)
        for part in ADDED:
            require_choice(part, getattr(self, part), (True, False))
        if divide(self.n_embd, self.n_head) % 2:
            raise ValueError(
                f"n_embd={self.n_embd}, n_head={self.n_head}: rotary positions rotate "
                "pairs of numbers; expected an even n_embd / n_head"
            )


def rms_norm(x: Float[Tensor, "... D"]) -> Float[Tensor, "... D"]:
    """x over the root of its mean square; no weights, no mean subtracted."""
    return F.rms_norm(x, (x.size(-1),))


class RMSNorm(nn.Module):
    """`rms_norm` as a layer."""

    def forward(self, x: Float[Tensor, "... D"]) -> Float[Tensor, "... D"]:
        return rms_norm(x)


def rotate(
    x: Float[Tensor, "B H T D"], angles: Float[Tensor, "..."]
) -> Float[Tensor, "B H T D"]:
    """Rotate pair i of x at position t by angles[t, i]: RoPE, arXiv 2104.09864.

    The product of two rotated vectors depends on the distance of their positions,
    and not on the positions themselves.
    """
    a, b = x.chunk(2, dim=-1)  # (B, H, T, D/2) each
    cos, sin = angles.cos(), angles.sin()
    return torch.cat([a * cos - b * sin, a * sin + b * cos], dim=-1)


class ShortConvolution(nn.Module):
    """Adds to x a weighted sum of x at this position and the three before it.

    Causal; each of the C numbers has four weights, which begin at zero. It lets a
    layer see n-grams without attention (Allen-Zhu, 2025, "Canon layers").
    """

    def __init__(self, C: int, width: int = 4):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(width, 1, C))

    def forward(self, x: Float[Tensor, "B T C"], cache=None) -> Float[Tensor, "B T C"]:
        T, before = x.size(1), len(self.weight) - 1
        if cache is None:
            longer = F.pad(x, (0, 0, before, 0))  # (B, 3 + T, C)
        else:
            longer = cache.extend(x, before)
        return x + sum(w * longer[:, i : i + T] for i, w in enumerate(self.weight))


class ModernAttention(nn.Module):
    """Causal self-attention with rotary positions and normalised queries and keys.

    Maps (B, T, C) to (B, T, C), and returns its values (B, H, T, D) as well. angles:
    (T, D/2), or None for no rotation. first_v: the first block's values, which a
    layer that mixes adds to its own (Zhou et al., 2024, arXiv 2410.17897).
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
        self.mix = nn.Parameter(torch.tensor(0.5)) if mixes else None
        self.gate = nn.Linear(C, self.n_head) if config.head_gate else None

    def forward(self, x, angles, cache=None, first_v=None):
        B, T, C = x.shape
        q, k, v = (
            part.view(B, T, self.n_head, self.head_size).transpose(1, 2)
            for part in self.qkv(x).split(C, dim=-1)  # (B, H, T, D)
        )
        if self.qk_norm:
            q, k = rms_norm(q), rms_norm(k)
        if angles is not None:
            q, k = rotate(q, angles), rotate(k, angles)
        if self.mix is not None:
            v = v + self.mix * (first_v - v)
        if cache is None:
            y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        else:
            y = cache.attend(q, k, v)
        y = y.transpose(1, 2)  # (B, T, H, D)
        if self.gate is not None:
            y = y * 2 * self.gate(x).sigmoid()[..., None]  # begins at 1
        y = y.reshape(x.shape)  # (B, T, C)
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
        C = config.n_embd
        convolve = config.convolution
        self.conv_1 = ShortConvolution(C) if convolve else None
        self.conv_2 = ShortConvolution(C) if convolve else None
        self.attn = ModernAttention(config, mixes)
        self.mlp = ModernFeedForward(config)

    def forward(self, x, angles, cache=None, first_v=None):
        h = self.norm_1(x)  # (B, T, C)
        h = h if self.conv_1 is None else self.conv_1(h, cache)
        y, v = self.attn(h, angles, cache, first_v)
        x = x + y
        h = self.norm_2(x)
        h = h if self.conv_2 is None else self.conv_2(h, cache)
        return x + self.mlp(h), v


class ModernGPT(Model):
    """A GPT as one would build it today; the interface is that of `GPT`.

    idx (B, T) -> logits (B, T, V) for T up to block_size.
    """

    def __init__(self, config: ModernConfig):
        super().__init__(config.vocab_size, config.block_size)
        self.config, C = config, config.n_embd
        self.wte = nn.Embedding(config.vocab_size, C)
        learned = "rotary" in config.without
        self.wpe = nn.Embedding(config.block_size, C) if learned else None
        self.drop = nn.Dropout(config.dropout)
        self.blocks = nn.ModuleList(
            ModernBlock(config, mixes=config.value_residual and i > 0)
            for i in range(config.n_layer)
        )
        self.norm_f = build_norm(config)
        self.lm_head = nn.Linear(C, config.vocab_size, bias=False)
        init_modern(self, config)

    def forward(
        self, idx: Ids, targets: Ids | None = None, cache: KVCache | None = None
    ) -> Output:
        logits = self.lm_head(self.hidden(idx, cache))  # (B, T, V)
        return logits, next_token_loss(logits, targets)

    def hidden(
        self,
        idx: Int[Tensor, "B T"],
        cache: KVCache | None = None,
        extra: Float[Tensor, "B T C"] | None = None,
    ) -> Float[Tensor, "B T C"]:
        """The last block's output, normalised; extra is added to the embeddings."""
        pos = positions(idx, self.block_size, cache)  # (T,) or (B, T)
        x = self.wte(idx)  # (B, T, C)
        x = x if extra is None else x + extra
        if self.wpe is not None:
            x, angles = x + self.wpe(pos), None
        else:
            angles = rotary_angles(pos, self.config.n_embd // self.config.n_head)
        x, first_v = self.drop(x), None
        for block in self.blocks:
            x, v = block(x, angles, cache, first_v)  # (B, T, C), (B, H, T, D)
            first_v = v if first_v is None else first_v
        return self.norm_f(x)


def rotary_angles(pos: Int[Tensor, "..."], head_size: int) -> Float[Tensor, "..."]:
    """pos / 10000^(2i/D) for pair i: (T, D/2), or (B, 1, T, D/2) for (B, T)."""
    half = torch.arange(head_size // 2, device=pos.device)
    frequencies = 10_000.0 ** (-half / (head_size // 2))  # (D/2,)
    angles = pos[..., None] * frequencies
    return angles if pos.ndim == 1 else angles[:, None]


def build_norm(config: ModernConfig) -> nn.Module:
    """RMSNorm, or LayerNorm where the configuration says so."""
    return nn.LayerNorm(config.n_embd) if "rmsnorm" in config.without else RMSNorm()


def init_modern(model: ModernGPT, config: ModernConfig) -> None:
    """Draw the first weights; what writes to the stream, or to the logits, is zero.

    To the untrained model all tokens are equally likely, and no sub-layer changes
    the residual stream.
    """
    nn.init.normal_(model.wte.weight, std=0.02)
    if model.wpe is not None:
        nn.init.normal_(model.wpe.weight, std=0.02)
    deviation = 0.02 / math.sqrt(2 * config.n_layer)
    for name, module in model.named_modules():
        if not isinstance(module, nn.Linear):
            continue
        writes = name.endswith(("proj", "lm_head", "gate"))
        if writes and "zero_init" not in config.without:
            nn.init.zeros_(module.weight)
        else:
            nn.init.normal_(module.weight, std=deviation if writes else 0.02)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
