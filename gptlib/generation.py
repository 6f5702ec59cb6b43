"""Text out of a model, token by token.

Temperature, top-k and top-p ("nucleus", arXiv 1904.09751) reshape the distribution
a token is drawn from. Read next: `handler.py`, which does it for text.
"""

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from gptlib.errors import require_int, require_number


def generate(
    model: nn.Module,
    idx: Int[Tensor, "B T"],
    max_new_tokens: int = 100,
    *,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    seed: int | None = None,
) -> Int[Tensor, "B U"]:
    """Continue each row of idx by max_new_tokens tokens: (B, T) -> (B, T + new).

    temperature 0 takes the most likely token; top_k keeps the k likeliest, top_p
    the fewest likeliest that together reach probability p, both after the
    temperature. One seed gives one text. Raises ValueError or TypeError naming
    the setting that cannot be.
    """
    new = stream(
        model,
        idx,
        max_new_tokens,
        temperature=temperature,
        top_k=top_k,
        top_p=top_p,
        seed=seed,
    )
    columns = [tokens.unsqueeze(1) for tokens in new]
    return torch.cat([idx, *columns], dim=1)


def stream(
    model: nn.Module,
    idx: Int[Tensor, "B T"],
    max_new_tokens: int = 100,
    *,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    seed: int | None = None,
) -> Iterator[Int[Tensor, " B"]]:
    """Yield the next token of each row, (B,) at a time, as soon as it is drawn.

    Settings and errors as for `generate`; they are checked at once.
    """
    require_int("max_new_tokens", max_new_tokens, 0)
    require_number("temperature", temperature, 0.0)
    if top_k is not None:
        require_int("top_k", top_k, 1)
    if top_p is not None and require_number("top_p", top_p, 0.0, 1.0) == 0.0:
        raise ValueError("top_p=0: expected more than 0; temperature=0 is greedy")
    if idx.ndim != 2 or idx.size(1) == 0:
        raise ValueError(f"idx has shape {tuple(idx.shape)}: expected (B, T), T >= 1")
    generator = torch.Generator()
    if seed is None:
        generator.seed()
    else:
        generator.manual_seed(require_int("seed", seed, 0, 2**63 - 1))
    settings = (temperature, top_k, top_p, generator)
    return _stream(model, idx, max_new_tokens, settings)


def _stream(model, idx, max_new_tokens, settings) -> Iterator[Tensor]:
    context = idx[:, -model.block_size :]
    for _ in range(max_new_tokens):
        tokens = sample(_last_logits(model, context), *settings)  # (B,)
        yield tokens
        context = torch.cat([context, tokens.unsqueeze(1)], dim=1)
        if context.size(1) > model.block_size:
            # Going on with the newest half, instead of moving on by one token,
            # is what a key-value cache can do, too, with exactly equal results.
            context = context[:, -max(1, model.block_size // 2) :]


@torch.inference_mode()
def _last_logits(model: nn.Module, context: Tensor) -> Tensor:
    was_training = model.training
    model.eval()
    try:
        return model(context)[0][:, -1]  # (B, V)
    finally:
        model.train(was_training)


def sample(
    logits: Float[Tensor, "B V"],
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    generator: torch.Generator | None = None,
) -> Int[Tensor, " B"]:
    """Draw one token a row from the distribution that the settings leave.

    Drawn where a uniform number falls in the cumulated probabilities, in float64
    on the CPU, so that one seed gives one text on nearly every machine.
    """
    if not torch.isfinite(logits).all():
        raise ValueError("the model's logits are not finite numbers: did it diverge?")
    if temperature == 0:
        return logits.argmax(dim=-1)
    device, logits = logits.device, logits.double().cpu()
    p = token_probabilities(logits, temperature, top_k, top_p)  # (B, V)
    cumulated = p.cumsum(dim=-1)  # (B, V)
    uniform = torch.rand(len(p), 1, dtype=torch.double, generator=generator)
    drawn = torch.searchsorted(cumulated, uniform * cumulated[:, -1:], right=True)
    last_possible = (p > 0).cumsum(dim=-1).argmax(dim=-1, keepdim=True)
    return drawn.minimum(last_possible).squeeze(1).to(device)


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
    ordered, order = p.sort(dim=-1, descending=True, stable=True)
    keep = torch.ones_like(p, dtype=torch.bool)
    if top_k is not None:
        keep[..., top_k:] = False
    if top_p is not None:
        keep &= ordered.cumsum(dim=-1) - ordered < top_p
    kept = torch.zeros_like(p).scatter(-1, order, ordered * keep)
    return kept / kept.sum(dim=-1, keepdim=True)
