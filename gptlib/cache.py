"""What running a model takes beside its idea: KVCache, dropout off, readable errors.

A token's keys and values depend on it and the tokens before it only, so that a new
token needs only its own, and those of the others from memory. A model takes a cache as
its third argument and needs to know little of it. Read next: `generation.py`.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from weakref import WeakKeyDictionary

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from gptlib.errors import require_int, require_number

BEFORE = 3  # how many earlier inputs a convolution reads


class KVCache:
    """Keys and values of every layer for batch_size texts, in memory taken once.

    keys, values: (n_layer, B, H, block_size, d); inputs: what convolutions have read;
    tokens: (B, block_size) int64, the texts themselves; lengths: how many tokens of
    each row are there, B whole numbers. `model(idx, cache=cache)` reads idx (B, T)
    after what is there; no gradient flows into what is kept.
    Raises ValueError for a model without attention layers to remember.
    """

    def __init__(self, model: nn.Module, batch_size: int = 1):
        require_int("batch_size", batch_size, 1)
        if not can_cache(model):
            raise ValueError(
                f"{type(model).__name__} has no layers whose keys and values a cache "
                "could keep; expected a GPT or a ModernGPT"
            )
        config, self.block_size = attention_config(model), model.block_size
        weight = next(model.parameters())
        head_size = config.n_embd // config.n_head
        shape = (config.n_layer, batch_size, config.n_head, self.block_size, head_size)
        self.keys = torch.zeros(shape, device=weight.device, dtype=weight.dtype)
        self.values = torch.zeros_like(self.keys)
        # Inputs of convolutions, two in each layer, after zeros for those before them.
        wide = self.block_size + BEFORE if getattr(config, "convolution", False) else 0
        shape = (2 * config.n_layer, batch_size, wide, config.n_embd)
        self.inputs = torch.zeros(shape, device=weight.device, dtype=weight.dtype)
        self.tokens = torch.zeros(
            batch_size, self.block_size, dtype=torch.long, device=weight.device
        )
        self.lengths = [0] * batch_size
        self._layer = 0

    def begin(self, idx: Int[Tensor, "B T"]) -> Int[Tensor, "..."]:
        """Append idx and return its positions, (T,), or (B, T) if rows differ.

        Until attention has read it, the same idx may be appended again. Raises
        ValueError when rows are missing or the window is too short.
        """
        B, T = idx.shape
        if len(self.lengths) != B:
            raise ValueError(f"idx has {B} rows, the cache {len(self.lengths)}")
        longest = max(self.lengths) + T
        if longest > self.block_size:
            raise ValueError(
                f"{longest} tokens are too many for a window of block_size="
                f"{self.block_size}: keep the newest and read them into a new cache, "
                "as generate() does"
            )
        self._layer, self._new, self._longest = 0, T, longest
        self._convolution = 0
        self._even = min(self.lengths) == max(self.lengths)
        if self._even:  # no waiting for a GPU, and fewer operations
            self._pos = torch.arange(longest - T, longest, device=idx.device)
            self.tokens[:, longest - T : longest] = idx
        else:
            start = torch.tensor(self.lengths, device=idx.device)[:, None]  # (B, 1)
            self._pos = start + torch.arange(T, device=idx.device)  # (B, T)
            self.tokens.scatter_(1, self._pos, idx.long())
        self._mask = self._may_see()
        return self._pos

    def _may_see(self) -> Tensor | None:
        """Which positions each new token may attend to; None for all of them."""
        if self._even and self._new == 1:
            return None
        seen = torch.arange(self._longest, device=self.keys.device)
        mask = seen <= self._pos[..., None]  # (T, S) or (B, T, S)
        return mask if self._even else mask[:, None]  # (B, 1, T, S)

    def attend(
        self,
        q: Float[Tensor, "B H T D"],
        k: Float[Tensor, "B H T D"],
        v: Float[Tensor, "B H T D"],
    ) -> Float[Tensor, "B H T D"]:
        """Attention of the new tokens to all; each call is the next layer's."""
        keys, values = self.keys[self._layer], self.values[self._layer]
        k, v = k.detach(), v.detach()
        if self._even:
            new = slice(self._longest - self._new, self._longest)
            keys[:, :, new], values[:, :, new] = k, v
        else:
            pos = self._pos[:, None, :, None].expand_as(k)
            keys.scatter_(2, pos, k)
            values.scatter_(2, pos, v)
        self._layer += 1
        if self._layer == len(self.keys):
            self.lengths = [n + self._new for n in self.lengths]
        keys, values = keys[:, :, : self._longest], values[:, :, : self._longest]
        return F.scaled_dot_product_attention(q, keys, values, attn_mask=self._mask)

    def extend(self, x: Float[Tensor, "B T C"], before: int) -> Tensor:
        """x (B, T, C) after the same convolution's last inputs: (B, before + T, C).

        Each call is the next convolution's.
        """
        inputs = self.inputs[self._convolution]  # (B, BEFORE + block_size, C)
        self._convolution += 1
        pos = self._pos.expand(x.shape[:2])[..., None].expand_as(x)  # (B, T, C)
        inputs.scatter_(1, pos + BEFORE, x.detach())
        first = pos[:, :1] + BEFORE - before  # (B, 1, C)
        kept = first + torch.arange(before, device=x.device)[:, None]
        return torch.cat([inputs.gather(1, kept), x], dim=1)

    def text(self) -> Int[Tensor, "B S"]:
        """All tokens so far, the new ones included; a shorter row's end is padding."""
        return self.tokens[:, : self._longest]

    def trim(self, lengths: list[int]) -> None:
        """Forget what stands after the first lengths[b] tokens of each row."""
        self.lengths = [min(n, m) for n, m in zip(self.lengths, lengths, strict=True)]

    def row(self, b: int) -> "KVCache":
        """Row b as a cache of its own, empty, in the same memory."""
        one = object.__new__(KVCache)
        one.block_size, one._layer, one.lengths = self.block_size, 0, [0]
        one.keys, one.values = self.keys[:, b : b + 1], self.values[:, b : b + 1]
        one.tokens, one.inputs = self.tokens[b : b + 1], self.inputs[:, b : b + 1]
        return one


def can_cache(model: nn.Module) -> bool:
    """Whether a model has keys and values to keep."""
    return attention_config(model) is not None


def attention_config(model: nn.Module):
    """The configuration of a model's attention layers, be they in a model inside it.

    None for a model without such layers.
    """
    config = getattr(model, "config", None)
    while hasattr(config, "model"):
        config = config.model
    return config if hasattr(config, "n_layer") else None


def get_dropout(model: nn.Module) -> float:
    """The dropout probability of a model; 0.0 where it has none."""
    rates = [m.p for m in model.modules() if isinstance(m, nn.Dropout)]
    return max(rates, default=0.0)


def set_dropout(model: nn.Module, p: float) -> None:
    """Give every dropout of a model the probability p in [0, 1), fused ones too."""
    p = require_number("dropout", p, 0.0, 1.0, below=True)
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.p = p


class Model(nn.Module):
    """What a model has beside its idea: its sizes, dropout to set, readable errors.

    Subclasses define forward(idx, targets=None), with cache=None if they use one.
    """

    dropout = property(get_dropout, set_dropout)

    def __init__(self, vocab_size: int, block_size: int):
        super().__init__()
        self.config = {"vocab_size": vocab_size, "block_size": block_size}
        self.vocab_size, self.block_size = vocab_size, block_size

    def __call__(self, idx, targets=None, cache=None):
        kept = () if cache is None else (cache,)
        try:
            return super().__call__(idx, targets, *kept)
        except IndexError:
            V = self.vocab_size
            if ((idx >= 0) & (idx < V)).all():
                raise
            raise outside_vocabulary("token", idx, V) from None


def cross_entropy(logits: Float[Tensor, "N V"], targets: Int[Tensor, " N"]) -> Tensor:
    """torch's mean cross-entropy; ValueError for a target outside the vocabulary."""
    try:
        return F.cross_entropy(logits, targets)
    except IndexError:
        raise outside_vocabulary("target", targets, logits.size(-1)) from None


def outside_vocabulary(what: str, idx: Tensor, vocab_size: int) -> ValueError:
    """The error that names the first id of idx that is not in 0..V-1."""
    outside = idx[(idx < 0) | (idx >= vocab_size)]
    return ValueError(
        f"{what} {int(outside[0])} is outside the vocabulary 0..{vocab_size - 1}: was "
        "the text encoded with this model's tokenizer?"
    )


@torch.inference_mode()
def run(
    model: nn.Module, idx: Int[Tensor, "B T"], cache: KVCache | None = None
) -> Float[Tensor, "B T V"]:
    """The logits of a model, dropout off, whatever mode it is in."""
    with resting(model):
        return model(idx, cache=cache)[0]


_ONE_AT_A_TIME = threading.Lock()
_RESTING: WeakKeyDictionary = WeakKeyDictionary()  # model -> how many, was it training


@contextmanager
def resting(model: nn.Module) -> Iterator[None]:
    """Dropout off inside; back as it was when the last of several threads leaves."""
    with _ONE_AT_A_TIME:
        threads, was_training = _RESTING.get(model, (0, model.training))
        _RESTING[model] = (threads + 1, was_training)
        if model.training:
            model.eval()
    try:
        yield
    finally:
        with _ONE_AT_A_TIME:
            threads, was_training = _RESTING.pop(model)
            if threads > 1:
                _RESTING[model] = (threads - 1, was_training)
            elif was_training:
                model.train()
