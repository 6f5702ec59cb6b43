"""One token of one text on a CPU: the model's formulas in NumPy.

A small model's token is a few hundred operations on a few hundred numbers each, and
torch spends longer on starting an operation than on doing it; NumPy starts one in
about a third of the time. A tenth of that again goes where operations are merged:
LayerNorm's weights and all biases are moved into the matrices once, beforehand.
The numbers equal the model's own to rounding, and both share one `KVCache`.
Read next: `generation.py`, which calls it.
"""

import math
from collections.abc import Callable

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from gptlib.cache import KVCache
from gptlib.model import GPT

WEIGHTS = ("float32", "int8")
Step = Callable[[Int[Tensor, " B"]], Float[Tensor, "B V"]]


def fast_step(model: nn.Module, cache: KVCache, weights: str) -> Step | None:
    """A function that reads one token into the cache and returns its logits (1, V).

    None where there is none: for several texts, other devices, other models. The
    weights are those the model has now.
    """
    weight = next(model.parameters())
    one = len(cache.lengths) == 1 and weight.device.type == "cpu"
    if type(model) is not GPT or not one or weight.dtype != torch.float32:
        return None
    return GPTStep(model, cache, Int8Matrix if weights == "int8" else Matrix)


class Matrix:
    """x -> W x + b for one vector, the bias kept as the matrix's last column."""

    def __init__(self, weight: Tensor, bias: Tensor):
        joined = torch.cat([weight, bias[:, None]], dim=1)
        self.joined = joined.detach().contiguous().numpy()
        self.input = np.ones(joined.size(1), dtype=np.float32)
        self.x = self.input[:-1]  # write the vector here, then call
        self.y = np.empty(joined.size(0), dtype=np.float32)

    def __call__(self) -> np.ndarray:
        return np.dot(self.joined, self.input, out=self.y)


class Int8Matrix:
    """The same with the matrix in 8 bits: one scale a row, its largest entry 127.

    A matrix too large for the processor's cache is read from memory for every
    token, and a quarter of the bytes is read in a quarter of the time.
    """

    def __init__(self, weight: Tensor, bias: Tensor):
        weight, self.bias = weight.detach(), bias.detach().numpy()
        scale = weight.abs().amax(dim=1).clamp(min=1e-12) / 127  # (out,)
        self.rounded = (weight / scale[:, None]).round().to(torch.int8)
        self.scale = scale.bfloat16()
        self.input = torch.empty(1, weight.size(1))
        self.x = self.input[0].numpy()

    def __call__(self) -> np.ndarray:
        x = self.input.bfloat16()
        y = torch._weight_int8pack_mm(x, self.rounded, self.scale)
        return y.float()[0].numpy() + self.bias


class GPTStep:
    """`GPT` for the next token of one text; keys and values go to the cache."""

    @torch.inference_mode()
    def __init__(self, model: GPT, cache: KVCache, matrix: type):
        self.cache = cache
        self.tokens = cache.tokens[0].numpy()
        self.wte, self.wpe = model.wte.weight.numpy(), model.wpe.weight.numpy()
        self.head = matrix(*after(model.ln_f, model.wte.weight, None))
        self.layers = [
            self._layer(block, matrix, keys[0].numpy(), values[0].numpy())
            for block, keys, values in zip(
                model.blocks, cache.keys, cache.values, strict=True
            )
        ]

    def _layer(self, block, matrix, keys, values):
        C = block.attn.proj.in_features
        heads, head_size = keys.shape[0], keys.shape[2]
        weight, bias = after(block.ln_1, block.attn.qkv.weight, block.attn.qkv.bias)
        # The scores' 1/√d is moved into the queries.
        scale = torch.ones(3 * C).index_fill_(0, torch.arange(C), head_size**-0.5)
        qkv = matrix(weight * scale[:, None], bias * scale)
        proj = matrix(block.attn.proj.weight, block.attn.proj.bias)
        fc = matrix(*after(block.ln_2, block.mlp.fc.weight, block.mlp.fc.bias))
        out = matrix(block.mlp.proj.weight, block.mlp.proj.bias)
        return keys, values, qkv, proj, fc, out, (3, heads, head_size)

    def __call__(self, tokens: Tensor) -> Tensor:
        n, token = self.cache.lengths[0], int(tokens)
        self.tokens[n] = token
        x = self.wte[token] + self.wpe[n]  # (C,)
        for keys, values, qkv, proj, fc, out, shape in self.layers:
            normalise(x, qkv.x)
            q, keys[:, n], values[:, n] = qkv().reshape(shape)  # (H, d) each
            attend(q, keys[:, : n + 1], values[:, : n + 1], proj.x)
            x += proj()
            normalise(x, fc.x)
            gelu(fc(), out.x)
            x += out()
        self.cache.lengths[0] = n + 1
        normalise(x, self.head.x)
        return torch.from_numpy(self.head()).clone()[None]


def after(norm: nn.LayerNorm, weight: Tensor, bias: Tensor | None):
    """Move a LayerNorm's own weights into the matrix that follows it."""
    bias = torch.zeros(len(weight)) if bias is None else bias
    return weight * norm.weight, bias + weight @ norm.bias


def normalise(x: np.ndarray, to: np.ndarray) -> None:
    """LayerNorm without weights: x less its mean, over its deviation."""
    np.subtract(x, x.sum() / len(x), out=to)
    to *= 1 / math.sqrt(to.dot(to) / len(x) + 1e-5)


def attend(q: np.ndarray, keys: np.ndarray, values: np.ndarray, to: np.ndarray):
    """softmax(q Kᵀ) V for each head: q (H, d), keys and values (H, n, d)."""
    scores = np.matmul(keys, q[:, :, None])[:, :, 0]  # (H, n)
    scores -= scores.max(axis=1, keepdims=True)
    np.exp(scores, out=scores)
    y = np.matmul(scores[:, None], values)[:, 0]  # (H, d)
    y /= scores.sum(axis=1, keepdims=True)
    to[:] = y.ravel()


def gelu(x: np.ndarray, to: np.ndarray) -> None:
    """GPT-2's GELU, x/2 · (1 + tanh u) = x / (1 + exp(-2u)), on a vector."""
    u = x * x
    u *= -2 * math.sqrt(2 / math.pi) * 0.044715
    u -= 2 * math.sqrt(2 / math.pi)
    u *= x
    # exp overflows to infinity where GELU is 0, and x / infinity is 0.
    np.exp(np.minimum(u, 80, out=u), out=u)
    u += 1
    np.divide(x, u, out=to)
