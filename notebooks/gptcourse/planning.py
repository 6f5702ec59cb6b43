"""What a training costs before it is started: its memory.

The series counts with one N: `config.n_params`, everything that a model stores, a tied
matrix once. Read next: notebooks 13 and 17.
"""

from typing import NamedTuple

from gptlib.model import GPTConfig

FLOAT = 4  # bytes of a number in 32 bits
# Held for each parameter: itself, its gradient, AdamW's two means, and the copy of the
# last good weights that `gptlib.training` keeps.
PER_PARAMETER = 5 * FLOAT


class Memory(NamedTuple):
    """Bytes that a training holds at once."""

    parameters: int  # the weights and what is kept for each of them
    activations: int  # what the forward pass keeps for the backward pass

    @property
    def total(self) -> int:
        return self.parameters + self.activations


def training_memory(
    config: GPTConfig,
    batch_size: int,
    block_size: int | None = None,
    *,
    per_parameter: int = PER_PARAMETER,
) -> Memory:
    """Bytes that training a GPT takes, about: 20 N and 4 B T (16 L C + V).

    batch_size, block_size: B windows of T tokens that go through the model at once;
    by default T is the model's block_size. per_parameter: bytes held for each of the N
    parameters; 16 where no copy of the last good weights is kept.

    In each block a token keeps 16 C numbers: the inputs and outputs of both LayerNorms
    (4 C), queries, keys and values (3 C), what attention gives (C), input and output of
    GELU (8 C). The logits are kept once, as log-probabilities. Left out are the last
    LayerNorm and single numbers per position: 1% for GPT-2, up to 7% for small models.
    It holds in 32 bits with fused attention; with dropout on its weights PyTorch keeps
    T × T tables on a CPU, which are not counted.
    """
    tokens = batch_size * (block_size or config.block_size)
    kept = 16 * config.n_layer * config.n_embd + config.vocab_size
    return Memory(per_parameter * config.n_params, FLOAT * tokens * kept)
