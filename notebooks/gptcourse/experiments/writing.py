"""Stacked models that write: every model its own texts, thousands at once.

Keys, values and the convolutions' last inputs are kept, so that a character costs one
position. Read next: `distilling.py`, which learns from the texts.
"""

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from gptcourse.experiments.stacked import Stacked, captured, logits


class Memory:
    """Keys, values and the convolutions' last inputs of E · B texts.

    pos: the position that is read, (1,); seen: how many positions attention looks at.
    """

    def __init__(self, stacked: Stacked, texts: int, half: torch.dtype):
        config, device = stacked.config, stacked.device
        C, H, L = config.n_embd, config.n_head, config.n_layer
        shape = (L, stacked.count * texts, H, config.block_size, C // H)
        self.keys = torch.zeros(shape, dtype=half, device=device)
        self.values = torch.zeros_like(self.keys)
        self.inputs = torch.zeros(2 * L, stacked.count, texts, 3, C, device=device)
        self.pos = torch.zeros(1, dtype=torch.long, device=device)
        self.seen = config.block_size

    def extend(self, x: Float[Tensor, "E B 1 C"], number: int) -> Tensor:
        """x after the last three inputs of the same convolution, (E, B, 4, C)."""
        longer = torch.cat([self.inputs[number], x.float()], dim=2)
        self.inputs[number].copy_(longer[:, :, 1:])
        return longer

    def attend(self, layer: int, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """Attention of one position to itself and those before it."""
        keys, values = self.keys[layer], self.values[layer]
        keys.index_copy_(2, self.pos, k)
        values.index_copy_(2, self.pos, v)
        mask = torch.arange(self.seen, device=q.device) <= self.pos
        keys, values = keys[:, :, : self.seen], values[:, :, : self.seen]
        return F.scaled_dot_product_attention(q, keys, values, attn_mask=mask[None])


class Writer:
    """Every model writes texts of its own, a position at a time, thousands at once."""

    def __init__(self, stacked: Stacked, texts: int, half: torch.dtype | None = None):
        on_cpu = stacked.device == "cpu"
        self.half = half or (torch.float32 if on_cpu else torch.bfloat16)
        self.stacked, self.memory = stacked, Memory(stacked, texts, self.half)
        shape = (stacked.count, texts)
        self.read = torch.zeros(shape, dtype=torch.long, device=stacked.device)
        self.drawn = torch.zeros_like(self.read)
        self.weights = {k: v.detach() for k, v in stacked.weights().items()}
        self.graphs = {}

    @torch.no_grad()
    def run(self, begin: Int[Tensor, "E B P"], length: int) -> Int[Tensor, "E B S"]:
        """Continue texts up to a length of at most block_size + 1."""
        quarter = max(1, self.stacked.config.block_size // 4)
        found = list(begin.unbind(-1))
        self.memory.inputs.zero_()
        for i in range(length - 1):
            self.read.copy_(found[i])
            self.memory.pos.fill_(i)
            self.memory.seen = (i // quarter + 1) * quarter
            self.advance()
            if i + 1 == len(found):
                found.append(self.drawn.clone())
        return torch.stack(found, dim=-1)

    def advance(self) -> None:
        """One position; on a GPU by a graph for each number of positions seen."""
        if self.stacked.device == "cpu":
            self.step()
            return
        seen = self.memory.seen
        if seen not in self.graphs:
            kept = self.memory.inputs.clone()
            self.graphs[seen], _ = captured(self.step)
            self.memory.inputs.copy_(kept)
        self.graphs[seen].replay()

    def step(self) -> None:
        """Read `read` at the memory's position, draw what follows into `drawn`."""
        config, idx = self.stacked.config, self.read[..., None]
        said = logits(self.weights, idx, None, config, self.half, self.memory)
        p = said[:, :, 0].softmax(dim=-1)  # (E, B, V)
        # The largest p / e, e exponential, is a draw from p, and needs no waiting.
        self.drawn.copy_((p / torch.empty_like(p).exponential_()).argmax(dim=-1))
