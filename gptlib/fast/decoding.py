"""Decoding of one text on a CPU: the model's formulas in NumPy.

In a small model torch spends more time on starting an operation than on computing it;
NumPy needs about a third of that. The weights of norms, biases and constants are merged
into the matrices beforehand. Logits equal the model's up to rounding, and both use the
same `KVCache`. Read next: `generation.py`, which calls `fast_step`.
"""

import math
from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, Float32, Int
from torch import Tensor, nn

from gptlib.attention import CausalSelfAttention
from gptlib.cache import KVCache, outside_vocabulary
from gptlib.model import GPT, Block, FeedForward

WEIGHTS = ("float32", "int8")
NOT_FINITE = "the model's logits are not finite numbers: did it diverge?"
Step = Callable[[Int[Tensor, " B"]], Float[Tensor, "B V"]]
Vector = Float32[np.ndarray, " N"]


def fast_step(model: nn.Module, cache: KVCache, weights: str) -> Step | None:
    """A function that adds one token to the cache and returns its logits, (1, V).

    None if `can_step` is False. Uses a copy of the current weights; weights: "float32"
    or "int8".
    """
    if not can_step(model, len(cache.lengths)):
        return None
    return GPTStep(model, cache, Int8Matrix if weights == "int8" else Matrix)


def can_step(model: nn.Module, texts: int) -> bool:
    """Whether this is one text and a GPT on a CPU in float32.

    False for a model with replaced modules or with hooks.
    """
    if texts != 1 or type(model) is not GPT:
        return False
    weight = model.wte.weight
    return (
        weight.device.type == "cpu"
        and weight.dtype == torch.float32
        and all(
            type(m) in PARTS and not m._forward_hooks and not m._forward_pre_hooks
            for m in model.modules()
        )
    )


class Matrix:
    """x -> W x + b for one vector; the bias is one more column of W.

    Write the vector to `.x`, then call: the result is `.y`, always in the same memory.
    """

    def __init__(self, weight: Float[Tensor, "O I"], bias: Float[Tensor, " O"]):
        joined = torch.cat([weight, bias[:, None]], dim=1)  # (O, I + 1)
        self.joined = joined.detach().numpy()
        self.input = np.ones(weight.size(1) + 1, dtype=np.float32)
        self.x = self.input[:-1]
        self.y = np.empty(len(bias), dtype=np.float32)

    def __call__(self) -> Vector:
        return self.joined.dot(self.input, self.y)


class Int8Matrix(Matrix):
    """The same with the matrix in 8 bits, one scale per row: its largest entry is 127.

    A matrix larger than the processor's cache is read from memory for every token, and
    a quarter of the bytes takes a quarter of the time.
    """

    def __init__(self, weight: Float[Tensor, "O I"], bias: Float[Tensor, " O"]):
        weight, self.bias = weight.detach(), bias.detach().numpy().copy()
        # Rounded before it divides the weights, so that its rounding adds no error.
        scale = weight.abs().amax(dim=1).clamp(min=1e-12) / 127  # (O,)
        self.scale = scale.bfloat16()
        rounded = (weight / self.scale[:, None]).round().clamp(-127, 127)
        # torch's product reads groups of 32 columns, even past the end.
        self.width = weight.size(1)
        self.rounded = F.pad(rounded.to(torch.int8), (0, -self.width % 32))
        self.input = torch.zeros(1, self.rounded.size(1))
        self.x = self.input[0, : self.width].numpy()
        self.y = np.empty(len(self.bias), dtype=np.float32)

    def __call__(self) -> Vector:
        x = self.input.bfloat16()
        y = torch._weight_int8pack_mm(x, self.rounded, self.scale)
        return np.add(y.float()[0].numpy(), self.bias, self.y)


class GPTStep:
    """The next token of one text for a `GPT`; keys and values go to the cache."""

    @torch.inference_mode()
    def __init__(self, model: GPT, cache: KVCache, matrix: type):
        self.cache = cache
        self.tokens = cache.tokens[0].numpy()
        self.wte, self.wpe = model.wte.weight.numpy(), model.wpe.weight.numpy()
        self.mean = np.full(model.config.n_embd, 1 / model.config.n_embd, np.float32)
        self.head, *rest = self.matrices(model, matrix)
        self.layers = [
            self._layer(keys[0].numpy(), values[0].numpy(), *rest[4 * i : 4 * i + 4])
            for i, (keys, values) in enumerate(
                zip(cache.keys, cache.values, strict=True)
            )
        ]

    @staticmethod
    def matrices(model: GPT, matrix: type) -> list[Matrix]:
        """The output matrix, then each block's four."""
        C, head_size = model.config.n_embd, model.blocks[0].attn.head_size
        made = [matrix(*absorb(model.ln_f, model.wte.weight, None))]
        # The factor 1/√d of the scores is moved into the queries.
        scale = torch.ones(3 * C).index_fill_(0, torch.arange(C), head_size**-0.5)
        for block in model.blocks:
            qkv, fc = block.attn.qkv, block.mlp.fc
            weight, bias = absorb(block.ln_1, qkv.weight, qkv.bias)
            made.append(matrix(weight * scale[:, None], bias * scale))
            made.append(matrix(*centred(block.attn.proj)))
            weight, bias = absorb(block.ln_2, fc.weight, fc.bias)
            made.append(matrix(weight * GELU_IN, bias * GELU_IN))
            weight, bias = centred(block.mlp.proj)
            made.append(matrix(weight * GELU_OUT, bias))
        return made

    def _layer(self, keys, values, qkv, proj, fc, out):
        heads, head_size = keys.shape[0], keys.shape[2]
        q, k, v = qkv.y.reshape(3, heads, head_size)  # (H, d) each, in qkv's memory
        y = proj.x.reshape(heads, 1, head_size)
        return keys, values, qkv, q[:, :, None], k, v, y, proj, fc, out

    def __call__(self, tokens: Int[Tensor, " 1"]) -> Float[Tensor, "1 V"]:
        return torch.from_numpy(self.next(int(tokens)).copy())[None]

    def next(self, token: int) -> Vector:
        """The logits after one more token, (V,); the next call overwrites them."""
        n = self.cache.lengths[0]
        self.check(token, n)
        self.tokens[n] = token
        x = self.wte[token] + self.wpe[n]  # (C,)
        # Everything added later has mean zero, so no norm needs to subtract the mean.
        x -= x.dot(self.mean)
        for keys, values, qkv, q, k, v, y, proj, fc, out in self.layers:
            normalise(x, qkv.x)
            qkv()
            keys[:, n], values[:, n] = k, v  # (H, d) each
            attend(q, keys[:, : n + 1], values[:, : n + 1], y)
            x += proj()
            normalise(x, fc.x)
            gelu(fc(), out.x)
            x += out()
        self.cache.lengths[0] = n + 1
        normalise(x, self.head.x)
        return self.head()

    def check(self, token: int, n: int) -> None:
        """Raise ValueError for a token outside the vocabulary, or a full window."""
        if not 0 <= token < len(self.wte):
            raise outside_vocabulary("token", torch.tensor([token]), len(self.wte))
        if n == self.cache.block_size:
            raise ValueError(f"the window of block_size={n} tokens is full")


# The only modules that a model may consist of.
PARTS = (GPT, Block, CausalSelfAttention, FeedForward, nn.ModuleList)
PARTS += (nn.Linear, nn.Embedding, nn.LayerNorm, nn.Dropout)


def absorb(norm: nn.LayerNorm, weight: Tensor, bias: Tensor | None):
    """Merge a LayerNorm's weight and bias into the matrix that follows it."""
    bias = torch.zeros(len(weight)) if bias is None else bias
    return weight * norm.weight, bias + weight @ norm.bias


def centred(linear: nn.Linear) -> tuple[Tensor, Tensor]:
    """Make a matrix's outputs have mean zero, which every later norm ignores."""
    weight, bias = linear.weight, linear.bias
    return weight - weight.mean(dim=0), bias - bias.mean()


def normalise(x: Vector, to: Vector, eps: float = 1e-5) -> None:
    """LayerNorm without weights for x of mean zero: x over its standard deviation."""
    np.multiply(x, 1 / math.sqrt(float(x.dot(x)) / len(x) + eps), to)


def attend(
    q: Float32[np.ndarray, "H D 1"],
    keys: Float32[np.ndarray, "H N D"],
    values: Float32[np.ndarray, "H N D"],
    to: Float32[np.ndarray, "H 1 D"],
) -> None:
    """softmax(q Kᵀ) V for each head."""
    scores = np.matmul(keys, q)  # (H, N, 1)
    scores -= np.maximum.reduce(scores, 1, keepdims=True)
    np.exp(scores, scores)
    np.matmul(scores.transpose(0, 2, 1), values, to)  # (H, 1, d)
    to /= np.add.reduce(scores, 1, keepdims=True)


# GELU(x) = x/2 · (1 + tanh(√(2/π) (x + 0.044715 x³))). With s = GELU_IN · x this is
# GELU_OUT · s (1 + tanh(s³ + SLOPE · s)), and the matrices absorb both constants.
GELU_IN = (math.sqrt(2 / math.pi) * 0.044715) ** (1 / 3)
GELU_OUT = 1 / (2 * GELU_IN)
SLOPE = np.array(math.sqrt(2 / math.pi) / GELU_IN, dtype=np.float32)
ONE = np.array(1, dtype=np.float32)


def gelu(s: Vector, to: Vector) -> None:
    """s (1 + tanh(s³ + SLOPE · s)): GPT-2's GELU with its constants in the matrices."""
    np.multiply(s, s, to)
    np.add(to, SLOPE, to)
    np.multiply(to, s, to)
    np.tanh(to, to)
    np.add(to, ONE, to)
    np.multiply(to, s, to)


def pick(
    logits: Float32[np.ndarray, " V"], uniform: float, temperature: float = 1.0, **cuts
) -> int:
    """Draw one token, as `generation.draw` does with the same uniform number.

    Raises ValueError for logits that are not finite.
    """
    p = logits.astype(np.float64)
    if not math.isfinite(p.dot(p)):  # one that is not finite makes the sum so
        raise ValueError(NOT_FINITE)
    if temperature == 0:
        return int(p.argmax())
    p -= np.maximum.reduce(p)
    # exp(-800) is zero; smaller values could overflow in the division.
    np.maximum(p, -800 * temperature, out=p)
    p /= temperature
    np.exp(p, p)
    if cuts:
        drop_unlikely(p, **cuts)
    cumulated = np.add.accumulate(p)
    # A uniform number is below 1, so the result is below V.
    return int(cumulated.searchsorted(uniform * cumulated[-1], "right"))


def drop_unlikely(p: np.ndarray, top_k=None, top_p=None, min_p=None) -> None:
    """Set every token to zero that top_k, top_p or min_p drops."""
    order = (-p).argsort(kind="stable")  # the smaller id first where p is equal
    ordered = p[order] / np.add.reduce(p)
    keep = np.ones(len(p), dtype=bool)
    if top_k is not None:
        keep[top_k:] = False
    if top_p is not None:
        keep &= np.add.accumulate(ordered) - ordered < top_p
    if min_p is not None:
        keep &= ordered >= min_p * ordered[0]
    p[order[~keep]] = 0
