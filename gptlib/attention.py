"""Self-attention in three forms: one head, several heads, all heads in one matrix.

After *Attention Is All You Need* (arXiv 1706.03762), section 3.2. The first two are
written to be read and serve as the reference; `CausalSelfAttention` computes the same
numbers faster. Read next: `model.py`, whose `Block` uses it.
"""

import math

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from gptlib.cache import resting
from gptlib.hooks import causal_weights, hooked


class Head(nn.Module):
    """One head of causal self-attention: softmax(Q Kᵀ / √d) V, equation 1.

    Maps (B, T, n_embd) to (B, T, head_size) for any T up to block_size; the output at
    position t depends only on positions 0..t. dropout acts on the attention weights.
    """

    def __init__(
        self, n_embd: int, head_size: int, block_size: int, dropout: float = 0.0
    ):
        super().__init__()
        self.query = nn.Linear(n_embd, head_size)
        self.key = nn.Linear(n_embd, head_size)
        self.value = nn.Linear(n_embd, head_size)
        past = torch.tril(torch.ones(block_size, block_size, dtype=torch.bool))
        self.register_buffer("past", past, persistent=False)  # (block_size, block_size)
        self.attn_drop = nn.Dropout(dropout)

    def weights(self, x: Float[Tensor, "B T C"]) -> Float[Tensor, "B T T"]:
        """How much each position (rows) attends to each earlier one (columns)."""
        T = x.size(1)
        q, k = self.query(x), self.key(x)  # (B, T, d) each
        scores = q @ k.transpose(1, 2) / math.sqrt(q.size(-1))  # (B, T, T)
        scores = scores.masked_fill(~self.past[:T, :T], -math.inf)
        return F.softmax(scores, dim=-1)  # (B, T, T)

    def forward(self, x: Float[Tensor, "B T C"]) -> Float[Tensor, "B T D"]:
        w = self.attn_drop(self.weights(x))  # (B, T, T)
        return w @ self.value(x)  # (B, T, d)


class MultiHeadAttention(nn.Module):
    """n_head heads in parallel, concatenated and projected: section 3.2.2.

    Maps (B, T, n_embd) to (B, T, n_embd); each head is n_embd / n_head wide.
    Raises ValueError if n_embd is not divisible by n_head.
    """

    def __init__(self, n_embd: int, n_head: int, block_size: int, dropout: float = 0.0):
        super().__init__()
        head_size = divide(n_embd, n_head)
        self.heads = nn.ModuleList(
            Head(n_embd, head_size, block_size, dropout) for _ in range(n_head)
        )
        self.proj = nn.Linear(n_embd, n_embd)
        self.resid_drop = nn.Dropout(dropout)

    def weights(self, x: Float[Tensor, "B T C"]) -> Float[Tensor, "B H T T"]:
        """The attention weights of every head."""
        return torch.stack([head.weights(x) for head in self.heads], dim=1)

    def forward(self, x: Float[Tensor, "B T C"]) -> Float[Tensor, "B T C"]:
        y = torch.cat([head(x) for head in self.heads], dim=-1)  # (B, T, C)
        return self.resid_drop(self.proj(y))  # (B, T, C)


class CausalSelfAttention(nn.Module):
    """Multi-head attention as in GPT-2: one matrix for all queries, keys and values.

    Maps (B, T, n_embd) to (B, T, n_embd), for any T; equals `MultiHeadAttention` with
    the same weights (see `fuse_heads`).
    Raises ValueError if n_embd is not divisible by n_head.
    """

    def __init__(self, n_embd: int, n_head: int, dropout: float = 0.0):
        super().__init__()
        self.n_head, self.head_size = n_head, divide(n_embd, n_head)
        self.qkv = nn.Linear(n_embd, 3 * n_embd)
        self.proj = nn.Linear(n_embd, n_embd)
        self.attn_drop = nn.Dropout(dropout)
        self.resid_drop = nn.Dropout(dropout)

    def split_heads(self, x: Float[Tensor, "B T C"]) -> list[Float[Tensor, "B H T D"]]:
        """The queries, keys and values of every head."""
        B, T, C = x.shape
        parts = self.qkv(x).split(C, dim=-1)  # 3 × (B, T, C)
        return [
            part.view(B, T, self.n_head, self.head_size).transpose(1, 2)
            for part in parts  # (B, H, T, d)
        ]

    def weights(self, x: Float[Tensor, "B T C"]) -> Float[Tensor, "B H T T"]:
        """The attention weights of every head; the fused call never stores them."""
        q, k, _ = self.split_heads(x)  # (B, H, T, d)
        return causal_weights(q, k)  # (B, H, T, T)

    def forward(self, x: Float[Tensor, "B T C"], cache=None) -> Float[Tensor, "B T C"]:
        q, k, v = self.split_heads(x)  # (B, H, T, d)
        y = attend(q, k, v, self.attn_drop, cache)  # (B, H, T, d)
        y = y.transpose(1, 2).reshape(x.shape)  # (B, T, C)
        return self.resid_drop(self.proj(y))  # (B, T, C)


def attend(
    q: Float[Tensor, "B H T D"],
    k: Float[Tensor, "B H T D"],
    v: Float[Tensor, "B H T D"],
    drop: nn.Dropout,
    cache=None,
) -> Float[Tensor, "B H T D"]:
    """Causal attention of every head in PyTorch's fused call.

    drop: acts on the weights; the fused call takes its probability only. cache: while
    text is generated, a `KVCache` with the keys and values so far.
    """
    if cache is not None:
        return cache.attend(q, k, v)
    p = drop.p if drop.training else 0.0
    return F.scaled_dot_product_attention(q, k, v, dropout_p=p, is_causal=True)


def divide(n_embd: int, n_head: int) -> int:
    """Return n_embd / n_head, the width of one head; ValueError if it is not whole."""
    if n_head < 1 or n_embd < 1 or n_embd % n_head:
        raise ValueError(
            f"n_embd={n_embd} cannot be shared by n_head={n_head} heads: expected "
            "a multiple of n_head"
        )
    return n_embd // n_head


def fuse_heads(many: MultiHeadAttention) -> CausalSelfAttention:
    """Copy the matrices of separate heads into one `CausalSelfAttention`."""
    n_embd = many.proj.in_features
    fused = CausalSelfAttention(n_embd, len(many.heads), many.resid_drop.p)
    fused.to(many.proj.weight)
    kinds = ("query", "key", "value")
    parts = [getattr(head, kind) for kind in kinds for head in many.heads]
    with torch.no_grad():
        fused.qkv.weight.copy_(torch.cat([part.weight for part in parts]))
        fused.qkv.bias.copy_(torch.cat([part.bias for part in parts]))
    fused.proj.load_state_dict(many.proj.state_dict())
    return fused


@torch.no_grad()
def attention_maps(
    model: nn.Module, idx: Int[Tensor, "B T"]
) -> list[Float[Tensor, "B H T T"]]:
    """The attention weights of every attention sub-layer for the input idx, (B, T).

    Returns one tensor (B, H, T, T) per layer, first layer first, with dropout off.
    Raises ValueError for a model without such sub-layers.
    """
    with hooked(model) as seen, resting(model):
        model(idx)
    return [w for (what, _), w in seen.items() if what == "weights"]
