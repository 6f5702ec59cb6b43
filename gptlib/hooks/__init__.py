"""Looking inside a model while it runs, and changing what flows there: `hooked`.

Plain hooks on the sub-layers; what no hook reaches, the weights inside the fused
attention, is seen by a mode of torch's that is asked before each operation.
"""

import math
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

Point = tuple[str, int]
ACTIVE = ContextVar("active", default=())  # this thread's Taps, outer ones first


@contextmanager
def hooked(
    model: nn.Module, change: dict[Point, Callable[[Tensor], Tensor]] | None = None
) -> Iterator[dict[Point, Tensor]]:
    """See, and change, what flows in a model: `with hooked(model) as seen:`.

    After a call of the model, with or without a cache, `seen` holds of each layer i
    ("weights", i), the attention weights (B, H, T, S); ("heads", i), what each head
    passes to the projection (B, H, T, D); ("attn", i) and ("mlp", i), what the
    sub-layers add to the residual stream (B, T, C); ("neurons", i), the activations
    inside the feed-forward layer (B, T, 4C); ("stream", i), the residual stream before
    block i (B, T, C), the last i being its end. change: by such a name, a function of
    the tensor that returns what flows on instead (not for the weights of separate
    heads). Weights are seen and changed in this thread only. Hooks are removed whatever
    happens; inner ones act after outer ones. Raises ValueError for a model without
    attention layers, for a name it does not have, or when a change returns no tensor
    of the same shape.
    """
    taps, modules = Taps(change or {}), list(model.modules())
    layers = [m for m in modules if hasattr(m, "qkv") or hasattr(m, "heads")]
    blocks = [m for m in modules if hasattr(m, "attn") and hasattr(m, "mlp")]
    if not layers:
        raise ValueError(
            f"{type(model).__name__} has no MultiHeadAttention and no "
            "CausalSelfAttention; for a single Head use its .weights(x)"
        )
    with ExitStack() as hooks:
        for i, layer in enumerate(layers):
            n_head = getattr(layer, "n_head", None) or len(layer.heads)
            hooks.enter_context(taps.enter(layer, ("weights", i)))
            hooks.enter_context(taps.read(layer.proj, ("heads", i), n_head))
            hooks.enter_context(taps.write(layer, ("attn", i)))
        for i, block in enumerate(blocks):
            hooks.enter_context(taps.read(block, ("stream", i)))
            hooks.enter_context(taps.read(block.mlp.proj, ("neurons", i)))
            hooks.enter_context(taps.write(block.mlp, ("mlp", i)))
        if blocks:
            hooks.enter_context(taps.write(blocks[-1], ("stream", len(blocks))))
        for point in taps.change.keys() - taps.points:
            raise ValueError(f"change={point}: expected one of {sorted(taps.points)}")
        hooks.callback(ACTIVE.set, ACTIVE.get())
        ACTIVE.set((*ACTIVE.get(), taps))
        yield hooks.enter_context(taps).seen


class Taps(TorchFunctionMode):
    """The hooks of `hooked`; as a mode it meets this thread's fused attention."""

    def __init__(self, change):
        super().__init__()
        self.change, self.seen, self.points, self.layer = change, {}, set(), None

    def flow(self, point: Point, x: Tensor) -> Tensor:
        """What flows on at a point."""
        y = self.change[point](x) if point in self.change else x
        if not isinstance(y, Tensor) or y.shape != x.shape:
            given = tuple(y.shape) if isinstance(y, Tensor) else repr(y)
            expected = f"expected a tensor {tuple(x.shape)}"
            raise ValueError(f"change[{point}] returned {given}: {expected}")
        self.seen[point] = y
        return y

    def enter(self, layer: nn.Module, point: Point):
        """Remember whose weights the next fused attention computes."""

        def hook(_, args):
            if hasattr(layer, "heads"):
                self.flow(point, layer.weights(args[0]))
            else:
                self.layer = point

        self.points |= set() if hasattr(layer, "heads") else {point}
        return layer.register_forward_pre_hook(hook)

    def read(self, module: nn.Module, point: Point, n_head: int = 0):
        """Hook what a module reads; with n_head, split into heads."""

        def hook(_, args):
            x = args[0]
            x = x.unflatten(-1, (n_head, -1)).transpose(1, 2) if n_head else x
            x = self.flow(point, x)
            return x.transpose(1, 2).flatten(2) if n_head else x, *args[1:]

        self.points.add(point)
        return module.register_forward_pre_hook(hook)

    def write(self, module: nn.Module, point: Point):
        """Hook what a module returns, or the first of several tensors."""

        def hook(_, args, y):
            many = isinstance(y, tuple)
            return (self.flow(point, y[0]), *y[1:]) if many else self.flow(point, y)

        self.points.add(point)
        return module.register_forward_hook(hook)

    def __torch_function__(self, function, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if function is not F.scaled_dot_product_attention or self.layer is None:
            return function(*args, **kwargs)
        w = causal_weights(*args[:2], kwargs.get("attn_mask"))  # (B, H, T, S)
        changed = False
        for taps in ACTIVE.get():
            if taps.layer is not None:
                # Forgotten at once: the next such call may be another model's.
                point, taps.layer = taps.layer, None
                w, changed = taps.flow(point, w), changed or point in taps.change
        if changed:
            return F.dropout(w, kwargs.get("dropout_p", 0.0)) @ args[2]
        return function(*args, **kwargs)


def causal_weights(
    q: Float[Tensor, "B H T D"], k: Float[Tensor, "B H S D"], past: Tensor | None = None
) -> Float[Tensor, "B H T S"]:
    """The weights that the fused call uses and does not return: softmax(Q Kᵀ / √d)."""
    scores = q @ k.transpose(2, 3) / math.sqrt(q.size(-1))
    if past is None:
        past = torch.ones_like(scores[0, 0]).tril(k.size(2) - q.size(2)).bool()
    return F.softmax(scores.masked_fill(~past, -math.inf), dim=-1)
