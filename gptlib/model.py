"""The language models of the series, from a table of counts to GPT-2.

`GPT` follows *Language Models are Unsupervised Multitask Learners* (GPT-2) and
*Language Models are Few-Shot Learners* (arXiv 2005.14165), section 2.1: the
decoder of arXiv 1706.03762 with the normalisation before each layer.
Read next: `training.py`.
"""

import math
from dataclasses import dataclass, fields

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from gptlib.attention import CausalSelfAttention, divide
from gptlib.cache import (
    KVCache,
    Model,
    cross_entropy,
)
from gptlib.errors import require_int, require_number

Ids = Int[Tensor, "B T"]
Output = tuple[Float[Tensor, "B T V"], Float[Tensor, ""] | None]


def next_token_loss(
    logits: Float[Tensor, "B T V"], targets: Ids | None
) -> Float[Tensor, ""] | None:
    """Mean of -ln p(target) over all B·T predictions, in nats; None without targets.

    A target of -100 is left out, as torch's cross-entropy does.
    """
    if targets is None:
        return None
    return cross_entropy(logits.flatten(0, 1), targets.flatten())


def copy_weights(model: nn.Module) -> dict[str, Tensor]:
    """A model's state as it is now; `load_state_dict` brings it back."""
    return {k: v.detach().clone() for k, v in model.state_dict().items()}


def count_parameters(model: nn.Module) -> int:
    """Everything a model stores, tables and counts included, tied weights once."""
    stored = {id(v): v.numel() for v in model.state_dict(keep_vars=True).values()}
    return sum(stored.values())


class Bigram(Model):
    """Predicts the next token from the present one: a row of logits for each token.

    idx (B, T) -> logits (B, T, V). block_size, the length of a training window,
    changes nothing but how many predictions a window holds.
    """

    def __init__(self, vocab_size: int, block_size: int = 8):
        super().__init__(vocab_size, block_size)
        self.table = nn.Embedding(vocab_size, vocab_size)

    def forward(self, idx: Ids, targets: Ids | None = None) -> Output:
        logits = self.table(idx)  # (B, T, V)
        return logits, next_token_loss(logits, targets)


class LanguageModel(Model):
    """The frame around any body: token + position embeddings -> body -> logits.

    body: a module that maps (B, T, n_embd) to (B, T, n_embd).
    idx (B, T) -> logits (B, T, V) for T up to block_size.
    """

    def __init__(
        self, body: nn.Module, *, vocab_size: int, block_size: int, n_embd: int
    ):
        super().__init__(vocab_size, block_size)
        self.tokens = nn.Embedding(vocab_size, n_embd)
        self.positions = nn.Embedding(block_size, n_embd)
        self.body = body
        self.lm_head = nn.Linear(n_embd, vocab_size)

    def forward(
        self, idx: Ids, targets: Ids | None = None, cache: KVCache | None = None
    ) -> Output:
        pos = positions(idx, self.block_size, cache)  # (T,)
        x = self.tokens(idx) + self.positions(pos)  # (B, T, C)
        logits = self.lm_head(self.body(x))  # (B, T, V)
        return logits, next_token_loss(logits, targets)


class FeedForward(nn.Module):
    """What each position does on its own: C -> 4C -> GELU -> C (section 3.3).

    Maps (B, T, n_embd) to (B, T, n_embd); GPT-2's tanh form of GELU.
    """

    def __init__(self, n_embd: int, dropout: float = 0.0):
        super().__init__()
        self.fc = nn.Linear(n_embd, 4 * n_embd)
        self.proj = nn.Linear(4 * n_embd, n_embd)
        self.drop = nn.Dropout(dropout)

    def forward(self, x: Float[Tensor, "B T C"]) -> Float[Tensor, "B T C"]:
        x = F.gelu(self.fc(x), approximate="tanh")  # (B, T, 4C)
        return self.drop(self.proj(x))  # (B, T, C)


class Block(nn.Module):
    """Attention, then feed-forward, each adding its correction to the stream x.

    Maps (B, T, n_embd) to (B, T, n_embd). LayerNorm comes before each sub-layer, as
    in GPT-2, not after each sum as in arXiv 1706.03762.
    """

    def __init__(self, n_embd: int, n_head: int, dropout: float = 0.0):
        super().__init__()
        self.ln_1 = nn.LayerNorm(n_embd)
        self.attn = CausalSelfAttention(n_embd, n_head, dropout)
        self.ln_2 = nn.LayerNorm(n_embd)
        self.mlp = FeedForward(n_embd, dropout)

    def forward(self, x: Float[Tensor, "B T C"], cache=None) -> Float[Tensor, "B T C"]:
        x = x + self.attn(self.ln_1(x), cache)  # (B, T, C)
        return x + self.mlp(self.ln_2(x))  # (B, T, C)


@dataclass(frozen=True)
class GPTConfig:
    """The shape of a GPT. The smallest GPT-2: 50257, 1024, 12, 12, 768, 0.1.

    Raises TypeError or ValueError naming the first field that cannot be.
    """

    vocab_size: int = 65  # tokens that there are
    block_size: int = 128  # the longest context, in tokens
    n_layer: int = 4  # blocks
    n_head: int = 4  # attention heads of each; n_embd is a multiple of it
    n_embd: int = 128  # numbers in a token's embedding
    dropout: float = 0.0  # share of numbers left out in training, in [0, 1)

    def __post_init__(self):
        for size in fields(self)[:-1]:  # all but dropout
            require_int(size.name, getattr(self, size.name), 1)
        require_number("dropout", self.dropout, 0.0, 1.0, below=True)
        divide(self.n_embd, self.n_head)

    @property
    def n_params(self) -> int:
        """The number of parameters a GPT of this shape has."""
        C = self.n_embd
        attention = (C + 1) * 3 * C + (C + 1) * C
        feed_forward = (C + 1) * 4 * C + (4 * C + 1) * C
        block = attention + feed_forward + 2 * 2 * C
        embeddings = (self.vocab_size + self.block_size) * C
        return embeddings + self.n_layer * block + 2 * C


class GPT(Model):
    """GPT-2: embeddings, n_layer blocks, a last LayerNorm, logits.

    idx (B, T) -> logits (B, T, V) for T up to block_size. The output matrix is the
    token embedding itself ("tied"), so that it is stored, and counted, once.
    """

    def __init__(self, config: GPTConfig):
        super().__init__(config.vocab_size, config.block_size)
        self.config = config
        n_embd, dropout = config.n_embd, config.dropout
        self.wte = nn.Embedding(config.vocab_size, n_embd)
        self.wpe = nn.Embedding(config.block_size, n_embd)
        self.drop = nn.Dropout(dropout)
        self.blocks = nn.ModuleList(
            Block(n_embd, config.n_head, dropout) for _ in range(config.n_layer)
        )
        self.ln_f = nn.LayerNorm(n_embd)
        init_weights(self, config.n_layer)

    def forward(
        self, idx: Ids, targets: Ids | None = None, cache: KVCache | None = None
    ) -> Output:
        pos = positions(idx, self.block_size, cache)  # (T,)
        x = self.wte(idx) + self.wpe(pos)  # (B, T, C)
        x = self.drop(x)
        for block in self.blocks:
            x = block(x, cache)  # (B, T, C)
        logits = F.linear(self.ln_f(x), self.wte.weight)  # (B, T, V)
        return logits, next_token_loss(logits, targets)


def init_weights(model: nn.Module, n_layer: int) -> None:
    """Draw GPT-2's first weights: normal with deviation 0.02, biases zero.

    The layers that write to the residual stream (`proj`) start smaller by
    1/√(2 n_layer), so that the stream's size does not grow with depth.
    """
    for name, module in model.named_modules():
        if isinstance(module, nn.Linear | nn.Embedding):
            writes = name.endswith("proj")
            std = 0.02 / math.sqrt(2 * n_layer) if writes else 0.02
            nn.init.normal_(module.weight, std=std)
        if isinstance(module, nn.Linear):
            nn.init.zeros_(module.bias)


def positions(idx: Tensor, block_size: int, cache: KVCache | None = None) -> Tensor:
    """Return 0..T-1 for idx (B, T), after what is in a cache the positions there.

    Raises ValueError when T tokens do not fit, TypeError for what is no cache.
    """
    if cache is not None and not isinstance(cache, KVCache):
        raise TypeError(f"cache={cache!r}: expected a KVCache(model) or None")
    if idx.ndim != 2 or idx.size(1) == 0:
        raise ValueError(f"idx has shape {tuple(idx.shape)}: expected (B, T), T >= 1")
    T = idx.size(1)
    if cache is not None:
        return cache.begin(idx)
    if T > block_size:
        raise ValueError(
            f"{T} tokens are too many: the model was built for a context of "
            f"block_size={block_size}; pass idx[:, -{block_size}:]"
        )
    return torch.arange(T, device=idx.device)
