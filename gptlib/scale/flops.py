"""How much arithmetic a training step takes, and how much a device can do.

Read next: `gpu_check.py`.
"""

from torch import nn

from gptlib.cache import attention_config


def step_flops(model: nn.Module, tokens: int) -> int:
    """Multiplications and additions of a step: forward, and twice that backward.

    Each number of a matrix takes part in one of both for each token; looking up a
    row of a table costs none. Attention compares each token with the whole window.
    """
    products = [m for m in model.modules() if isinstance(m, nn.Linear)]
    numbers = sum(m.weight.numel() for m in products)
    if not hasattr(model, "lm_head"):  # the embedding is the output matrix, too
        numbers += model.wte.weight.numel()
    config = attention_config(model)
    attention = 2 * config.n_layer * config.n_embd * config.block_size
    return 3 * 2 * (numbers + attention) * tokens
