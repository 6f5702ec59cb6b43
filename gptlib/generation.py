"""Generating text, token by token.

Temperature, top-k, top-p ("nucleus sampling", arXiv 1904.09751) and min-p reshape the
distribution that a token is drawn from. A `KVCache` holds the keys and values of the
tokens so far. Read next: `streaming.py`; for a faster step, `fast/decoding.py`.
"""

from collections.abc import Collection, Iterator, Sequence
from functools import cached_property
from itertools import chain

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from gptlib.cache import KVCache, can_cache, run
from gptlib.errors import require_choice, require_int, require_number
from gptlib.fast.decoding import NOT_FINITE, WEIGHTS, Step, can_step, fast_step, pick

DRAWN_AT_ONCE = 1024  # random numbers per row
Prompts = Int[Tensor, "B T"] | Sequence[Int[Tensor, " _"]]


def generate(
    model: nn.Module, idx: Prompts, max_new_tokens: int = 100, **settings
) -> Int[Tensor, "B U"] | list[Int[Tensor, " _"]]:
    """Continue each row of idx by max_new_tokens tokens: (B, T) -> (B, T + new).

    idx may be a list of 1-D prompts of different lengths; then a list is returned. So
    it is with stop_tokens: each row ends before the first of them that it draws.
    settings: as for `stream`, which also says what is raised.
    """
    columns = list(stream(model, idx, max_new_tokens, **settings))  # (B,) each
    ends = token_ids(settings.get("stop_tokens", ()))
    if isinstance(idx, Tensor) and not ends:
        return torch.cat([idx, *(column[:, None] for column in columns)], dim=1)
    if not columns:
        return list(idx)
    new = torch.stack(columns, dim=1)  # (B, new)
    stopped = torch.isin(new, torch.tensor(ends, dtype=torch.long).to(new.device))
    kept = stopped.cumsum(dim=1) == 0  # (B, new)
    return [torch.cat([idx[b], row[kept[b]]]) for b, row in enumerate(new)]


def stream(
    model: nn.Module,
    idx: Prompts,
    max_new_tokens: int = 100,
    *,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    min_p: float | None = None,
    seed: int | None = None,
    stop_tokens: int | Collection[int] = (),
    cache: bool = True,
    weights: str = "float32",
) -> Iterator[Int[Tensor, " B"]]:
    """Yield the next token of each row, (B,), as soon as it is drawn.

    temperature: 0 takes the most likely token. top_k: keep the k most likely tokens.
    top_p: keep the fewest tokens that together reach probability p. min_p: keep tokens
    at least min_p times as likely as the likeliest. All act after the temperature.
    seed: the same seed gives the same text. stop_tokens: a row that draws one of them
    is complete and repeats it; when the last row is complete, the stream ends instead
    of yielding. cache: False recomputes all keys and values for every token, for
    comparison. weights: "int8" rounds the matrices to 8 bits, on a CPU and for one
    text: faster for many millions of parameters.
    Raises ValueError or TypeError at once, naming the setting that is wrong.
    """
    require_int("max_new_tokens", max_new_tokens, 0)
    require_number("temperature", temperature, 0.0)
    require_choice("weights", weights, WEIGHTS)
    if top_k is not None:
        require_int("top_k", top_k, 1)
    if top_p is not None and require_number("top_p", top_p, 0.0, 1.0) == 0.0:
        raise ValueError("top_p=0: expected more than 0; temperature=0 is greedy")
    if min_p is not None:
        require_number("min_p", min_p, 0.0, 1.0)
    ends, prompts = token_ids(stop_tokens), _prompts(idx)
    generator = torch.Generator()
    if seed is None:
        generator.seed()
    else:
        generator.manual_seed(require_int("seed", seed, 0, 2**63 - 1))
    decoder = Cached if cache and can_cache(model) else Uncached
    fast = decoder is Cached and can_step(model, len(prompts))
    if weights != "float32" and not fast:
        raise ValueError(
            f"weights={weights!r}: expected one prompt, a GPT (not ModernGPT) in "
            "float32 on a CPU, and cache=True; otherwise leave weights at 'float32'"
        )
    cuts = {"top_k": top_k, "top_p": top_p, "min_p": min_p}
    cuts = {name: value for name, value in cuts.items() if value is not None}
    rest = (max_new_tokens, generator, {"temperature": temperature, **cuts})
    if fast:
        columns = _stream_fast(model, prompts, weights, *rest)
    else:
        columns = _stream(decoder, model, prompts, *rest)
    return _until_all_stop(columns, ends) if ends else columns


def token_ids(stop_tokens: int | Collection[int]) -> list[int]:
    """One token id or several as a list. Raises TypeError or ValueError for others."""
    ids = stop_tokens if isinstance(stop_tokens, Collection) else [stop_tokens]
    return [require_int("stop_tokens", i, 0) for i in ids]


def _prompts(idx: Prompts) -> list[Tensor]:
    """The rows of idx, each (T,) with T >= 1."""
    if isinstance(idx, Tensor):
        if idx.ndim != 2 or 0 in idx.shape:
            raise ValueError(
                f"idx has shape {tuple(idx.shape)}: expected (B, T), T >= 1"
            )
    elif not all(isinstance(row, Tensor) for row in idx):
        raise TypeError(f"idx={str(idx)[:60]}: expected tensors of token ids")
    rows = list(idx)
    if not rows or any(row.ndim != 1 or len(row) == 0 for row in rows):
        raise ValueError(
            f"idx holds rows of shapes {[tuple(row.shape) for row in rows]}: expected "
            "at least one, each (T,) with T >= 1"
        )
    if any(row.is_floating_point() for row in rows):
        raise TypeError(f"idx holds {rows[0].dtype}: expected whole numbers, token ids")
    return [row.long() for row in rows]


def _stream(decoder, model, prompts, count, generator, settings):
    if count == 0:
        return
    texts = decoder(model, prompts)
    tokens, logits, device = None, texts.logits, texts.logits.device
    on_gpu = device.type == "cuda"
    blocks = _uniform(count, len(prompts), generator, device if on_gpu else "cpu")
    for i, uniform in enumerate(chain.from_iterable(blocks)):  # (B, 1) each
        if i > 0:
            logits = texts.advance(tokens)
        tokens = draw(logits, uniform, **settings).to(device)
        yield tokens
    # Checked once at the end: a check at every token would make the GPU wait.
    if on_gpu and not torch.isfinite(logits).all():
        raise ValueError(NOT_FINITE)


def _stream_fast(model, prompts, weights, count, generator, settings):
    """`_stream` for one text on a CPU, in NumPy."""
    if count == 0:
        return
    texts = Cached(model, prompts, weights)
    token, logits = 0, texts.logits[0].numpy()
    blocks = _uniform(count, 1, generator)
    numbers = chain.from_iterable(block.flatten().tolist() for block in blocks)
    for i, uniform in enumerate(numbers):
        if i > 0:
            texts.make_room()
            logits = texts.step.next(token)
        token = pick(logits, uniform, **settings)
        yield torch.from_numpy(np.array([token]))


def _uniform(
    count: int,
    texts: int,
    generator: torch.Generator,
    device: torch.device | str = "cpu",
) -> Iterator[Float[Tensor, "N B 1"]]:
    """Random numbers for count tokens, in blocks; the block size does not change them.

    A block at a time, so that a GPU does not wait for the CPU that draws them.
    """
    for start in range(0, count, DRAWN_AT_ONCE):
        shape = (min(DRAWN_AT_ONCE, count - start), texts, 1)
        yield torch.rand(shape, dtype=torch.double, generator=generator).to(device)


def _until_all_stop(columns, ends):
    """Repeat each row's stop token; end where all rows have one."""
    complete = last = None
    for tokens in columns:  # (B,) each
        if last is not None:
            tokens = torch.where(complete, last, tokens)
        complete = torch.isin(tokens, torch.tensor(ends, device=tokens.device))
        if complete.all():
            return
        last = tokens
        yield tokens


class Uncached:
    """The reference: the whole window through the model for every token."""

    def __init__(self, model: nn.Module, prompts: list[Tensor]):
        self.model = model
        self.rows = [row[-model.block_size :] for row in prompts]
        self.logits = self._last()

    def _last(self) -> Float[Tensor, "B V"]:
        """The logits after each row."""
        if len({len(row) for row in self.rows}) == 1:
            return run(self.model, torch.stack(self.rows))[:, -1]
        return torch.cat([run(self.model, row[None])[:, -1] for row in self.rows])

    def advance(self, tokens: Int[Tensor, " B"]) -> Float[Tensor, "B V"]:
        """Append a token to each row; the logits after it."""
        pairs = zip(self.rows, tokens[:, None], strict=True)
        rows = [torch.cat(pair) for pair in pairs]
        # A full window keeps its newest half instead of moving on by one token: a
        # cache can follow this rule with exactly equal results.
        size, half = self.model.block_size, max(1, self.model.block_size // 2)
        self.rows = [row[-half:] if len(row) > size else row for row in rows]
        return self._last()


class Cached:
    """The same with a `KVCache`: only the newest token goes through the model."""

    def __init__(self, model: nn.Module, prompts: list[Tensor], weights="float32"):
        self.model, self.weights = model, weights
        self.cache = KVCache(model, len(prompts))
        rows = [row[-model.block_size :] for row in prompts]
        if len(rows[0]) <= 2 and self.step != self.plain_step:
            for token in rows[0]:  # faster than one pass through the model
                self.logits = self.step(token[None])
        else:
            self.logits = self._prefill(rows)

    @cached_property
    def step(self) -> Step:
        """Logits after one more token per row: in NumPy where possible, or torch."""
        return fast_step(self.model, self.cache, self.weights) or self.plain_step

    def plain_step(self, tokens: Int[Tensor, " B"]) -> Float[Tensor, "B V"]:
        """Logits after one more token per row, from the model itself."""
        return run(self.model, tokens[:, None], self.cache)[:, -1]

    def _prefill(self, rows: list[Tensor]) -> Float[Tensor, "B V"]:
        """Fill the empty cache with the prompts; the logits after each."""
        padded = nn.utils.rnn.pad_sequence(rows, batch_first=True)  # (B, T)
        lengths = [len(row) for row in rows]
        logits = run(self.model, padded, self.cache)  # (B, T, V)
        # The keys of padding are overwritten before any query can attend to them.
        self.cache.trim(lengths)
        return logits[torch.arange(len(rows)), torch.tensor(lengths) - 1]

    def advance(self, tokens: Int[Tensor, " B"]) -> Float[Tensor, "B V"]:
        """Append a token to each row; the logits after it."""
        self.make_room()
        return self.step(tokens)

    def make_room(self) -> None:
        """Keep the newest half of each full row, counting the next token."""
        size = self.cache.block_size
        if max(self.cache.lengths) < size:
            return
        kept = max(1, size // 2) - 1
        for b, length in enumerate(self.cache.lengths):
            if length < size:
                continue
            newest = self.cache.tokens[b : b + 1, size - kept :].clone()
            self.cache.lengths[b] = 0
            if kept:
                run(self.model, newest, self.cache.row(b))
                self.cache.lengths[b] = kept


def draw(
    logits: Float[Tensor, "B V"],
    uniform: Float[Tensor, "B 1"],
    temperature: float = 1.0,
    **cuts,
) -> Int[Tensor, " B"]:
    """Draw one token per row by inverse CDF from uniform numbers in [0, 1).

    cuts: top_k, top_p and min_p, as for `token_probabilities`. In float64, so that a
    seed gives the same text on nearly every machine; on the device of `uniform`. Raises
    ValueError for logits that are not finite.
    """
    logits = logits.to(uniform.device).double()
    if not logits.is_cuda and not torch.isfinite(logits).all():
        raise ValueError(NOT_FINITE)
    if temperature == 0:
        return logits.argmax(dim=-1)
    p = token_probabilities(logits, temperature, **cuts)  # (B, V)
    cumulated = p.cumsum(dim=-1)  # (B, V)
    drawn = torch.searchsorted(cumulated, uniform * cumulated[:, -1:], right=True)
    if not cuts:
        return drawn.squeeze(1).clamp_(max=logits.size(-1) - 1)
    last_possible = (p > 0).cumsum(dim=-1).argmax(dim=-1, keepdim=True)
    return drawn.minimum(last_possible).squeeze(1)


def token_probabilities(
    logits: Float[Tensor, "... V"],
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    min_p: float | None = None,
) -> Float[Tensor, "... V"]:
    """softmax(logits / temperature), zero outside the kept tokens, renormalised.

    Equally likely tokens are ordered by id, so that exactly top_k are kept. top_p keeps
    the token that reaches p, so at least one.
    """
    # Relative to the largest, so that no temperature, however low, overflows.
    relative = logits - logits.amax(dim=-1, keepdim=True)
    p = F.softmax(relative / temperature, dim=-1)
    if top_k is None and top_p is None and min_p is None:
        return p
    ordered, order = p.sort(dim=-1, descending=True, stable=True)
    keep = torch.ones_like(p, dtype=torch.bool)
    if top_k is not None:
        keep[..., top_k:] = False
    if top_p is not None:
        keep &= ordered.cumsum(dim=-1) - ordered < top_p
    if min_p is not None:
        keep &= ordered >= min_p * ordered[..., :1]
    kept = torch.zeros_like(p).scatter(-1, order, ordered * keep)
    return kept / kept.sum(dim=-1, keepdim=True)
