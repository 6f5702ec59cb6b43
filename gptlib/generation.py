"""Text out of a model, token by token.

Temperature, top-k and top-p ("nucleus", arXiv 1904.09751) reshape the distribution
a token is drawn from. Keys and values of what was read are kept in a `KVCache`.
Read next: `decoding.py`, one token in fewer microseconds; `handler.py`.
"""

from collections.abc import Callable, Iterator, Sequence

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from gptlib.cache import KVCache, can_cache
from gptlib.decoding import WEIGHTS, fast_step
from gptlib.errors import require_choice, require_int, require_number

NOT_FINITE = "the model's logits are not finite numbers: did it diverge?"
Prompts = Int[Tensor, "B T"] | Sequence[Int[Tensor, " T"]]


def generate(
    model: nn.Module,
    idx: Prompts,
    max_new_tokens: int = 100,
    *,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    seed: int | None = None,
    cache: bool = True,
    weights: str = "float32",
) -> Int[Tensor, "B U"] | list[Int[Tensor, " U"]]:
    """Continue each row of idx by max_new_tokens tokens: (B, T) -> (B, T + new).

    idx may be a list of 1-D prompts of different lengths; then a list comes back.
    temperature 0 takes the most likely token; top_k keeps the k likeliest, top_p
    the fewest likeliest that together reach probability p, both after the
    temperature. One seed gives one text. cache=False computes every token's keys
    and values anew, for comparison. weights="int8" rounds the matrices to 8 bits,
    on a CPU for one text: faster for a model of many millions of parameters.
    Raises ValueError or TypeError naming the setting that cannot be.
    """
    new = stream(
        model,
        idx,
        max_new_tokens,
        temperature=temperature,
        top_k=top_k,
        top_p=top_p,
        seed=seed,
        cache=cache,
        weights=weights,
    )
    columns = [tokens.unsqueeze(1) for tokens in new]
    if isinstance(idx, Tensor):
        return torch.cat([idx, *columns], dim=1)
    if not columns:
        return list(idx)
    grown = torch.cat(columns, dim=1)  # (B, new)
    return [torch.cat(pair) for pair in zip(idx, grown, strict=True)]


def stream(
    model: nn.Module,
    idx: Prompts,
    max_new_tokens: int = 100,
    *,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    seed: int | None = None,
    cache: bool = True,
    weights: str = "float32",
) -> Iterator[Int[Tensor, " B"]]:
    """Yield the next token of each row, (B,) at a time, as soon as it is drawn.

    Settings and errors as for `generate`; they are checked at once.
    """
    require_int("max_new_tokens", max_new_tokens, 0)
    require_number("temperature", temperature, 0.0)
    require_choice("weights", weights, WEIGHTS)
    if top_k is not None:
        require_int("top_k", top_k, 1)
    if top_p is not None and require_number("top_p", top_p, 0.0, 1.0) == 0.0:
        raise ValueError("top_p=0: expected more than 0; temperature=0 is greedy")
    prompts = _prompts(idx)
    generator = torch.Generator()
    if seed is None:
        generator.seed()
    else:
        generator.manual_seed(require_int("seed", seed, 0, 2**63 - 1))
    reader = Cached if cache and can_cache(model) else Uncached
    if weights != "float32" and not (reader is Cached and len(prompts) == 1):
        raise ValueError(
            f"weights={weights!r}: expected one prompt, a GPT or ModernGPT, and cache="
            "True; leave weights at 'float32' for anything else"
        )
    settings = (temperature, top_k, top_p, generator)
    return _stream(model, prompts, max_new_tokens, reader, weights, settings)


def _prompts(idx: Prompts) -> list[Tensor]:
    """The rows of idx, each (T,) with T >= 1."""
    if isinstance(idx, Tensor):
        if idx.ndim != 2 or 0 in idx.shape:
            raise ValueError(
                f"idx has shape {tuple(idx.shape)}: expected (B, T), T >= 1"
            )
        return list(idx)
    if not idx or any(row.ndim != 1 or len(row) == 0 for row in idx):
        raise ValueError(
            f"idx holds rows of shapes {[tuple(row.shape) for row in idx]}: expected "
            "at least one, each (T,) with T >= 1"
        )
    return list(idx)


def _stream(model, prompts, max_new_tokens, reader, weights, settings):
    if max_new_tokens == 0:
        return
    temperature, top_k, top_p, generator = settings
    # All random numbers at once: no waiting for the CPU while a GPU draws.
    shape = (max_new_tokens, len(prompts), 1)
    uniform = torch.rand(shape, dtype=torch.double, generator=generator)
    device = prompts[0].device
    if device.type == "cuda":
        uniform = uniform.to(device)
    texts = reader(model, prompts, weights)
    logits = texts.logits
    for i in range(max_new_tokens):
        tokens = draw(logits, uniform[i], temperature, top_k, top_p)
        yield tokens.to(device)
        if i + 1 < max_new_tokens:
            logits = texts.advance(tokens)
    # Asked once here where asking at every token would make a GPU wait.
    if logits.is_cuda and not torch.isfinite(logits).all():
        raise ValueError(NOT_FINITE)


class Uncached:
    """The reference: the whole window through the model for every token."""

    def __init__(self, model: nn.Module, prompts: list[Tensor], weights: str):
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
        # A window that is full goes on with its newest half, instead of moving on by
        # one token: that is what a cache can do, too, with exactly equal results.
        size, half = self.model.block_size, max(1, self.model.block_size // 2)
        self.rows = [row[-half:] if len(row) > size else row for row in rows]
        return self._last()


class Cached:
    """The same with a `KVCache`: only the newest token goes through the model."""

    def __init__(self, model: nn.Module, prompts: list[Tensor], weights: str):
        self.model = model
        self.cache = KVCache(model, len(prompts))
        self.logits = self._read([row[-model.block_size :] for row in prompts])
        self.step = fast_step(model, self.cache, weights) or self._plain_step

    def _plain_step(self, tokens: Int[Tensor, " B"]) -> Float[Tensor, "B V"]:
        return run(self.model, tokens[:, None], self.cache)[:, -1]

    def _read(self, rows: list[Tensor]) -> Float[Tensor, "B V"]:
        """Read prompts into the empty cache; the logits after each."""
        padded = nn.utils.rnn.pad_sequence(rows, batch_first=True)  # (B, T)
        lengths = [len(row) for row in rows]
        logits = run(self.model, padded, self.cache)  # (B, T, V)
        # What the padding left behind is overwritten before anything may look at it.
        self.cache.trim(lengths)
        return logits[torch.arange(len(rows)), torch.tensor(lengths) - 1]

    def advance(self, tokens: Int[Tensor, " B"]) -> Float[Tensor, "B V"]:
        """Read one more token a row; the logits after it."""
        if max(self.cache.lengths) == self.cache.block_size:
            self._make_room()
        return self.step(tokens)

    def _make_room(self) -> None:
        """Keep the newest half of each full row, the coming token included."""
        size = self.cache.block_size
        kept = max(1, size // 2) - 1
        for b, length in enumerate(self.cache.lengths):
            if length < size:
                continue
            newest = self.cache.tokens[b : b + 1, size - kept :].clone()
            self.cache.lengths[b] = 0
            if kept:
                run(self.model, newest, self.cache.row(b))
                self.cache.lengths[b] = kept


@torch.inference_mode()
def run(
    model: nn.Module, idx: Int[Tensor, "B T"], cache: KVCache | None = None
) -> Float[Tensor, "B T V"]:
    """The logits of a model, dropout off, whatever mode it is in."""
    was_training = model.training
    if was_training:
        model.eval()
    try:
        return model(idx, cache=cache)[0]
    finally:
        if was_training:
            model.train()


def sample(
    logits: Float[Tensor, "B V"],
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    generator: torch.Generator | None = None,
) -> Int[Tensor, " B"]:
    """Draw one token a row from the distribution that the settings leave."""
    uniform = torch.rand(len(logits), 1, dtype=torch.double, generator=generator)
    return draw(logits, uniform, temperature, top_k, top_p).to(logits.device)


def draw(
    logits: Float[Tensor, "B V"],
    uniform: Float[Tensor, "B 1"],
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
) -> Int[Tensor, " B"]:
    """The token where a uniform number falls in the cumulated probabilities.

    In float64, so that one seed gives one text on nearly every machine; on the
    device of `uniform`. Raises ValueError when logits are no finite numbers.
    """
    logits = logits.to(uniform.device).double()
    if not logits.is_cuda and not torch.isfinite(logits).all():
        raise ValueError(NOT_FINITE)
    if temperature == 0:
        return logits.argmax(dim=-1)
    p = token_probabilities(logits, temperature, top_k, top_p)  # (B, V)
    cumulated = p.cumsum(dim=-1)  # (B, V)
    drawn = torch.searchsorted(cumulated, uniform * cumulated[:, -1:], right=True)
    if top_k is None and top_p is None:
        return drawn.squeeze(1).clamp_(max=logits.size(-1) - 1)
    last_possible = (p > 0).cumsum(dim=-1).argmax(dim=-1, keepdim=True)
    return drawn.minimum(last_possible).squeeze(1)


def token_probabilities(
    logits: Float[Tensor, "... V"],
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
) -> Float[Tensor, "... V"]:
    """softmax(logits / temperature) with all but the kept tokens at zero.

    Of equally likely tokens the one with the smaller id comes first, so that
    exactly top_k are kept. top_p keeps the token that reaches p; so never none.
    """
    # Relative to the largest, so that no temperature, however low, overflows.
    relative = logits - logits.amax(dim=-1, keepdim=True)
    p = F.softmax(relative / temperature, dim=-1)
    if top_k is None and top_p is None:
        return p
    ordered, order = p.sort(dim=-1, descending=True, stable=True)
    keep = torch.ones_like(p, dtype=torch.bool)
    if top_k is not None:
        keep[..., top_k:] = False
    if top_p is not None:
        keep &= ordered.cumsum(dim=-1) - ordered < top_p
    kept = torch.zeros_like(p).scatter(-1, order, ordered * keep)
    return kept / kept.sum(dim=-1, keepdim=True)


def whole_characters(
    tokens: Iterator[int], decode: Callable[[list[int]], str]
) -> Iterator[str]:
    """Yield text as tokens come, holding back those that are part of a character."""
    held: list[int] = []
    for token in tokens:
        held.append(int(token))
        text = decode(held)
        # U+FFFD stands for bytes that make no character yet; after four, ever.
        if text.endswith("\ufffd") and len(held) < 4:
            continue
        held = []
        yield text
    if held:
        yield decode(held)
