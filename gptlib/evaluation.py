"""How good a model is: the loss over a whole split, every token once.

Read next: `training.py`, which lowers it.
"""

import copy
import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from gptlib.cache import resting, run
from gptlib.composed import recount
from gptlib.data import IGNORED, Examples, TokenSplits
from gptlib.errors import require_int

# Tokens in one batch of an evaluation: enough to be fast, and few enough that GPT-2's
# 50,257 logits of each take no more than 200 MB.
EVALUATED_AT_ONCE = 1024
PROBE_TOKENS = 8_000  # tokens of a quick look at a split (`fixed_windows`)
COUNTED_EVERY = 2_048  # tokens between two counts of what was read


@dataclass(frozen=True)
class Evaluation:
    """A mean loss in nats per token, and its standard error over windows.

    tokens: predictions made. per_window: the mean loss of each whole window, for
    paired comparisons of two models on the same windows. nats_per_char and
    bits_per_char: set when a tokenizer was given.
    """

    loss: float
    stderr: float
    tokens: int
    per_window: tuple[float, ...]
    nats_per_char: float | None = None
    bits_per_char: float | None = None

    @property
    def stderr_per_char(self) -> float:
        """The standard error of `nats_per_char`."""
        return self.stderr * self.nats_per_char / self.loss

    def __repr__(self) -> str:
        text = f"Evaluation(loss={self.loss:.4f}"
        if not math.isnan(self.stderr):  # one window has no spread
            text += f" ± {self.stderr:.4f}"
        text += " nats per token"
        if self.nats_per_char is not None:
            text += f", {self.nats_per_char:.4f} nats and "
            text += f"{self.bits_per_char:.4f} bits per character"
        return text + f", {self.tokens:,} tokens)"


@torch.inference_mode()
def evaluate(
    model: nn.Module,
    tokens: Int[Tensor, " N"],
    *,
    window: int | None = None,
    tokenizer=None,
) -> Evaluation:
    """Mean loss over every token of a split, each predicted exactly once.

    tokens: (N,) int64, N >= 2; the first has nothing before it and is only read.
    window: context length of the windows, which do not overlap; default and upper
    limit model.block_size. Dropout is off meanwhile. Returns nats per token and
    its standard error over windows; with a tokenizer also nats and bits per
    character. Raises ValueError when tokens is too short or holds an unknown token.
    """
    check_tokens(model, tokens, "tokens", 2)
    window = model.block_size if window is None else window
    window = require_int("window", window, 1, model.block_size)
    losses = token_losses(model, tokens, window)  # (N - 1,)
    whole = losses[: len(losses) // window * window].view(-1, window).mean(dim=1)
    loss = losses.mean().item()
    spread = whole.std().item() if len(whole) > 1 else math.nan
    nats = bits = None
    if tokenizer is not None:
        characters = len(tokenizer.decode(tokens[1:]))
        nats = losses.sum().item() / characters
        bits = nats / math.log(2)
    stderr = spread / math.sqrt(max(1, len(whole)))
    per_window = tuple(whole.tolist())
    return Evaluation(loss, stderr, len(losses), per_window, nats, bits)


@torch.inference_mode()
def token_losses(
    model: nn.Module, tokens: Int[Tensor, " N"], window: int
) -> Float[Tensor, " M"]:
    """-ln p of every token but the first, in nats: (N,) -> (N - 1,) float64.

    Windows do not overlap: the first token of each has a context of one.
    """
    tokens = tokens.to(next(model.parameters()).device)
    losses = []
    with resting(model):
        for idx, targets in _windows(tokens, window):
            logits = model(idx)[0]  # (B, T, V)
            each = F.cross_entropy(
                logits.flatten(0, 1), targets.flatten(), reduction="none"
            )
            losses.append(each.double().cpu())  # (B·T,)
    return torch.cat(losses)


def evaluate_while_reading(
    model: nn.Module, tokens: Int[Tensor, " N"], *, rate: float = 0.2, known=None
) -> Evaluation:
    """As `evaluate`, by a copy of the model that learns from each window it scored.

    rate, known: as in `reading_losses`; errors as in `evaluate`. Never compare the two.
    """
    check_tokens(model, tokens, "tokens", 2)
    window = model.block_size
    losses = reading_losses(copy.deepcopy(model), tokens, window, rate, known)
    whole = losses[: len(losses) // window * window].view(-1, window).mean(dim=1)
    stderr = whole.std().item() / len(whole) ** 0.5 if len(whole) > 1 else math.nan
    return Evaluation(losses.mean().item(), stderr, len(losses), tuple(whole.tolist()))


def reading_losses(
    model: nn.Module, tokens: Int[Tensor, " N"], window: int, rate: float, known=None
) -> Float[Tensor, " M"]:
    """-ln p of every token but the first, by a model that learns while it reads.

    (N,) -> (N - 1,) float64. Once a window is scored, one step of SGD at this rate
    lowers its loss. known: the tokens that the model's n-grams were counted in; every
    COUNTED_EVERY tokens, what was read is counted, too. Changes the model.
    """
    tokens = tokens.to(next(model.parameters()).device)
    optimizer = torch.optim.SGD(model.parameters(), lr=rate)
    losses = []
    windows = zip(tokens[:-1].split(window), tokens[1:].split(window), strict=True)
    with resting(model):
        for idx, targets in windows:
            logits = model(idx[None])[0][0]  # (T, V)
            each = F.cross_entropy(logits, targets, reduction="none")  # (T,)
            losses.append(each.detach().double().cpu())  # first scored, then learned
            if rate:
                optimizer.zero_grad()
                each.mean().backward()
                nn.utils.clip_grad_norm_(model.parameters(), 1.0)
                optimizer.step()
            read = window * len(losses)
            if known is not None and read % COUNTED_EVERY < window:
                text = torch.cat([known.to(idx.device), tokens[: read + 1]])
                recount(model, text)
    return torch.cat(losses)


@torch.inference_mode()
def sliding_loss(model: nn.Module, tokens: Int[Tensor, " N"], stride: int) -> float:
    """Mean loss over a split when windows overlap, in nats per token.

    Each window begins stride tokens after the one before and, but for the first,
    answers for its last stride tokens, which so see at least block_size - stride
    tokens before them. Lower than `evaluate`'s, and slower; never compare the two.
    Raises ValueError when stride is not 1..block_size or tokens fit no window.
    """
    width = model.block_size
    require_int("stride", stride, 1, width)
    check_tokens(model, tokens, "tokens", width + 1)
    tokens = tokens.to(next(model.parameters()).device)
    last = len(tokens) - 1 - width
    starts = [*range(0, last, stride), last]
    total, scored = 0.0, 0
    for some in torch.tensor(starts).split(EVALUATED_AT_ONCE // width or 1):
        positions = (some[:, None] + torch.arange(width)).to(tokens.device)  # (B, T)
        logits = run(model, tokens[positions]).transpose(1, 2)  # (B, V, T)
        each = F.cross_entropy(logits, tokens[positions + 1], reduction="none")
        for start, losses in zip(some.tolist(), each, strict=True):
            new = start + width - scored
            total += losses[-new:].double().sum().item()
            scored += new
    return total / scored


@torch.inference_mode()
def surprises(
    model: nn.Module, tokens: Int[Tensor, " N"], start: int, stop: int, step: int = 1
) -> Float[Tensor, " M"]:
    """-ln p of tokens[start:stop] in nats, each with all the context that fits.

    (N,) -> (stop - start,). Unlike in `evaluate`, every token sees block_size tokens
    before it, so these losses are lower. step: with more than 1 a window answers for
    its last step tokens, which see up to step - 1 tokens less, at a fraction of the
    time. Raises ValueError without that context.
    """
    width = model.block_size
    if not width <= start < stop <= len(tokens):
        raise ValueError(
            f"start={start}, stop={stop}: expected {width} <= start < stop <= "
            f"{len(tokens)}, so that each token has a whole context"
        )
    tokens = tokens.to(next(model.parameters()).device)
    windows = -(-(stop - start) // step)
    first = stop - 1 - width - step * (windows - 1)
    idx = tokens[first : stop - 1].unfold(0, width, step)  # (windows, T)
    at_once = EVALUATED_AT_ONCE // width or 1
    # A copy, so that the logits of all other positions can go.
    parts = [run(model, part)[:, -step:].clone() for part in idx.split(at_once)]
    logits = torch.cat(parts).flatten(0, 1)[start - stop :]  # (M, V)
    return F.cross_entropy(logits, tokens[start:stop], reduction="none").cpu()


def fixed_windows(
    tokens: Int[Tensor, " N"], block_size: int, count: int
) -> tuple[Int[Tensor, "B T"], Int[Tensor, "B T"]]:
    """Cut about `count` tokens in windows spread evenly over a split.

    Returns idx and targets, (B, T) each: the same ones at each call, for a quick
    look at how a training goes. The whole split is what `evaluate` is for.
    """
    last = len(tokens) - block_size - 1
    windows = max(1, min(count // block_size, last // block_size + 1))
    starts = torch.linspace(0, last, windows).long()[:, None]  # (B, 1)
    positions = starts + torch.arange(block_size)  # (B, T)
    return tokens[positions], tokens[positions + 1]


@torch.inference_mode()
def window_loss(
    model: nn.Module, idx: Int[Tensor, "B T"], targets: Int[Tensor, "B T"]
) -> float:
    """Mean loss in nats per token over the given windows, dropout off."""
    device = next(model.parameters()).device
    at_once = max(1, EVALUATED_AT_ONCE // idx.size(1))
    parts = zip(idx.split(at_once), targets.split(at_once), strict=True)
    total = 0.0
    with resting(model):
        for part, after in parts:
            loss = model(part.to(device), after.to(device))[1].item()
            total += loss * len(part) / len(idx)
    return total


def measure(
    model: nn.Module, train, val: Int[Tensor, " N"], count: int | None
) -> tuple[float | None, float]:
    """Losses of train and val in nats per token, on `count` tokens of each.

    Both are measured alike, on `fixed_windows`. Without a count the whole val is
    measured, and train is not.
    """
    if count is None:
        return None, evaluate(model, val).loss
    pieces = [fixed_windows(part, model.block_size, count) for part in (train, val)]
    losses = [window_loss(model, *piece) for piece in pieces]
    return losses[0], losses[1]


def _windows(tokens: Tensor, window: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Batches (B, T) of consecutive windows, then what is left as one short one."""
    whole = (len(tokens) - 1) // window
    idx = tokens[: whole * window].view(-1, window)  # (n, T)
    targets = tokens[1 : whole * window + 1].view(-1, window)  # (n, T)
    batch = max(1, EVALUATED_AT_ONCE // window)
    yield from zip(idx.split(batch), targets.split(batch), strict=True)
    rest = tokens[whole * window :]
    if len(rest) > 1:
        yield rest[None, :-1], rest[None, 1:]


def check_tokens(model: nn.Module, tokens: Tensor, name: str, least: int) -> None:
    """Raise ValueError unless tokens is (N,) int64, N >= least, within V."""
    if not hasattr(tokens, "dtype"):
        raise TypeError(f"{name} is {str(tokens)[:40]!r}: expected int64 token ids")
    if tokens.ndim != 1 or tokens.dtype != torch.long:
        raise ValueError(
            f"{name} has shape {tuple(tokens.shape)} and type {tokens.dtype}: "
            "expected one dimension of int64"
        )
    if len(tokens) < least:
        raise ValueError(
            f"{name} has {len(tokens)} tokens; expected at least {least}, for a "
            f"model with block_size={model.block_size}"
        )
    vocab_size = vocabulary_of(model)
    low, high = int(tokens.min()), int(tokens.max())
    if low < 0 or high >= vocab_size:
        raise ValueError(
            f"{name} holds token {low if low < 0 else high}, but the model knows "
            f"0..{vocab_size - 1}: was the text encoded with its tokenizer?"
        )


def check_data(model: nn.Module, data: TokenSplits, config) -> None:
    """Raise ValueError unless a model can be trained on data with a TrainConfig."""
    if not isinstance(data, TokenSplits):
        raise TypeError(f"data={str(data)[:40]!r}: expected corpus.encode(tokenizer)")
    for name, weight in model.named_parameters():
        if not torch.isfinite(weight).all():
            raise ValueError(
                f"the model's {name} holds numbers that are not finite: load or build "
                "it anew"
            )
    if isinstance(data.train, Examples) and config.eval_tokens is not None:
        raise ValueError(
            f"eval_tokens={config.eval_tokens}: examples are no text to cut pieces "
            "from; use eval_tokens=None, which measures the whole val"
        )
    if not isinstance(data.train, Examples):
        check_tokens(model, data.train, "the training split", model.block_size + 1)
    else:
        check_examples(model, data.train)
        if config.accumulate > 1:
            raise ValueError(
                f"accumulate={config.accumulate}: examples differ in their number of "
                "targets, so the mean over parts is not the batch's mean; use "
                "accumulate=1"
            )
    if config.eval_every:
        check_tokens(model, data.val, "the validation split", 2)


def check_examples(model: nn.Module, examples: Examples) -> None:
    """Raise ValueError unless a model can learn from these rows, and in one piece."""
    length = examples.idx.size(1)
    if length > model.block_size:
        raise ValueError(
            f"the examples have {length} tokens each; expected at most the model's "
            f"block_size, {model.block_size}"
        )
    targets = examples.targets.flatten()
    check_tokens(model, examples.idx.flatten(), "the examples' text", 1)
    check_tokens(model, targets[targets != IGNORED], "the examples' targets", 1)


def vocabulary_of(model: nn.Module) -> int:
    """V, the number of tokens a model of this library knows."""
    config = model.config
    return config["vocab_size"] if isinstance(config, dict) else config.vocab_size
