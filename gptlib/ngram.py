"""CountedNGrams: predicting the next token by counting, and tables of n-grams.

Interpolated modified Kneser–Ney smoothing (Chen and Goodman, 1999): a discount is
subtracted from the counts of long contexts, and what it frees goes to shorter ones.
No gradient, a fraction of a second, and better than many a small transformer.
Read next: `composed.py`, which joins both to a transformer.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from gptlib.cache import outside_vocabulary
from gptlib.errors import require_int
from gptlib.model import Output, next_token_loss

LARGEST_KEY = 2**62
FOLDS = 8


class Entries(NamedTuple):
    """The counted n-grams of one length that continue the contexts of M positions.

    row: whose context each belongs to; token: its last one; count: how often it is
    there.
    """

    row: Int[Tensor, " E"]
    token: Int[Tensor, " E"]
    count: Int[Tensor, " E"]


def check_order(order: int, vocab_size: int) -> None:
    """Raise ValueError unless n-grams of this order fit in one whole number each."""
    require_int("vocab_size", vocab_size, 2)
    if not 0 < order < 64 or vocab_size ** (order + 1) > LARGEST_KEY:
        raise ValueError(
            f"{order} tokens of {vocab_size} kinds do not fit in one whole number: "
            "expected an order of at least 1, and a lower one for a larger vocabulary"
        )


class CountedNGrams(nn.Module):
    """p(next | last order - 1 tokens) from counts: idx (B, T) -> log p (B, T, V).

    sizes: how many different n-grams there are of each length 1..order; all zero in
    a model that has counted nothing yet (see `fit`). An n-gram is one whole number,
    its tokens the digits in base V, so that those of one context lie side by side
    in the sorted list.
    Raises ValueError when an n-gram of this order does not fit in such a number.
    """

    dropout = 0.0

    def __init__(self, vocab_size: int, sizes: Sequence[int], block_size: int = 256):
        super().__init__()
        check_order(len(sizes), vocab_size)
        self.vocab_size, self.block_size = vocab_size, block_size
        self.sizes, self.order = tuple(sizes), len(sizes)
        self.config = {
            "vocab_size": vocab_size,
            "sizes": self.sizes,
            "block_size": block_size,
        }
        for n, size in enumerate(sizes, start=1):
            self.register_buffer(f"keys_{n}", torch.zeros(size, dtype=torch.long))
            self.register_buffer(f"counts_{n}", torch.zeros(size, dtype=torch.int32))
        discounts = torch.zeros(self.order, 4)  # for counts of 0, 1, 2 and more
        self.discounts = nn.Parameter(discounts, requires_grad=False)
        self._folds: list[Tensor] = []  # in training, (size, FOLDS) for each length

    @classmethod
    def fit(
        cls,
        tokens: Int[Tensor, " N"],
        vocab_size: int,
        order: int = 6,
        block_size: int = 256,
    ) -> "CountedNGrams":
        """Count every n-gram of a text, n = 1..order."""
        check_order(order, vocab_size)
        if len(tokens) < order:
            raise ValueError(f"{len(tokens)} tokens are too few to count {order}-grams")
        if tokens.min() < 0 or tokens.max() >= vocab_size:
            raise outside_vocabulary("token", tokens, vocab_size)
        tables = _count(_keys(tokens, order, vocab_size), order, vocab_size)
        model = cls(vocab_size, tuple(len(key) for key, _ in tables), block_size)
        for n, (key, count) in enumerate(tables, start=1):
            model.get_buffer(f"keys_{n}").copy_(key)
            model.get_buffer(f"counts_{n}").copy_(count)
            model.discounts[n - 1] = _discounts(count)
        return model

    def prepare(self, tokens: Int[Tensor, " N"]) -> None:
        """Count the text once more without each of its FOLDS parts.

        A transformer that learns beside these counts must not see counts of the
        lines that it reads: on new text they would be worse than it learned to
        trust. In training mode a window gets the counts of the other parts.
        Raises ValueError when the model has counted another text.
        """
        V, order, tokens = self.vocab_size, self.order, tokens.cpu()
        longest = _keys(tokens, order, V)
        keys, counts = longest.unique(return_counts=True)
        if not torch.equal(keys, self.get_buffer(f"keys_{order}").cpu()):
            raise ValueError(
                "the n-grams were counted in another text than the one to train on; "
                "count this one with CountedNGrams.fit(data.train, ...)"
            )
        number = torch.searchsorted(keys, longest)  # (N,)
        part = torch.arange(len(longest)) * FOLDS // len(longest)  # (N,)
        inside = torch.bincount(number * FOLDS + part, minlength=len(keys) * FOLDS)
        left = counts[:, None] - inside.view(-1, FOLDS)  # (size, FOLDS)
        tables = [left]
        for n in range(order - 1, 0, -1):
            shorter = self.get_buffer(f"keys_{n}").cpu()
            number_of_end = torch.searchsorted(shorter, keys % V**n)
            still_there = (left > 0).long()
            left = torch.zeros(len(shorter), FOLDS, dtype=torch.long)
            left.index_add_(0, number_of_end, still_there)
            keys = shorter
            tables.append(left)
        device = self.discounts.device
        self._folds = [table.int().to(device) for table in reversed(tables)]
        home = torch.full((len(counts),), FOLDS)  # FOLDS: found in several parts
        once = counts[number] == 1  # (N,)
        home[number[once]] = part[once]
        self._home = home.to(device)

    def part_of(self, idx: Int[Tensor, "B T"]) -> Int[Tensor, " B"]:
        """The part of the counted text that each window comes from.

        Its n-grams that occur once in the text decide.
        """
        order = self.order
        if idx.size(1) < order:
            return torch.zeros(len(idx), dtype=torch.long, device=idx.device)
        key = _keys(idx, order, self.vocab_size)  # (B, T - order + 1)
        keys = self.get_buffer(f"keys_{order}")
        at = torch.searchsorted(keys, key).clamp(max=len(keys) - 1)
        votes = F.one_hot(self._home[at], FOLDS + 1)[..., :FOLDS]  # (B, n, FOLDS)
        return votes.sum(dim=1).argmax(dim=-1)

    def forward(
        self,
        idx: Int[Tensor, "B T"],
        targets: Int[Tensor, "B T"] | None = None,
        cache=None,
    ) -> Output:
        pos = torch.arange(idx.size(1), device=idx.device).expand(idx.shape)
        logits = self.probabilities(idx, pos).clamp(min=1e-9).log()  # (B, T, V)
        return logits, next_token_loss(logits, targets)

    def probabilities(
        self, idx: Int[Tensor, "B S"], pos: Int[Tensor, "B T"]
    ) -> Float[Tensor, "B T V"]:
        """p of every token after the positions pos of the texts idx."""
        part = None
        if self.training:
            if not self._folds:
                raise ValueError(
                    "counts in training mode: call prepare(data.train) first, as "
                    "train() does, or eval()"
                )
            part = self.part_of(idx)[:, None].expand(pos.shape).flatten()  # (M,)
        found = [self._entries(idx, n, pos, part) for n in range(1, self.order + 1)]
        M, V = pos.numel(), self.vocab_size
        p = torch.full((M, V), 1 / V, device=idx.device)
        for entries, discounts in zip(found, self.discounts, strict=True):
            row, token, count = entries
            taken = discounts[count.clamp(max=3)]  # (E,)
            total = torch.zeros(M, device=idx.device).index_add_(0, row, count.float())
            freed = torch.zeros(M, device=idx.device).index_add_(0, row, taken)
            known = total > 0  # where not, shorter contexts decide alone
            total = total.clamp(min=1.0)
            p = p * torch.where(known, freed / total, 1.0)[:, None]
            p.view(-1).index_add_(0, row * V + token, (count - taken) / total[row])
        return p.view(*pos.shape, V)

    def _entries(self, idx, n: int, pos, part) -> Entries:
        """The counted n-grams that begin with the n - 1 tokens up to each position."""
        V, keys = self.vocab_size, self.get_buffer(f"keys_{n}")
        context = torch.zeros_like(idx)  # (B, S)
        for back in range(n - 1):
            context += F.pad(idx, (back, 0))[:, : idx.size(1)] * V**back
        start = context.gather(1, pos).flatten() * V  # (M,)
        low = torch.searchsorted(keys, start)
        length = torch.searchsorted(keys, start + V) - low
        enough = pos.flatten() >= n - 2
        length = torch.where(enough, length, 0)
        row = torch.arange(len(start), device=idx.device).repeat_interleave(length)
        within = torch.arange(len(row), device=idx.device)
        within -= (length.cumsum(0) - length)[row]
        at = low[row] + within
        if part is None:
            count = self.get_buffer(f"counts_{n}")[at]
        else:
            count = self._folds[n - 1][at, part[row]]
        return Entries(row, keys[at] % V, count.long())


class NGramTables(nn.Module):
    """Tables with a learned row for each hashed n-gram of tokens.

    The rows of the last 2 tokens, of the last 3, and so on, one from each table, are
    added up at every position that has enough tokens before it; several n-grams may
    share a row. What a transformer learns slowly is looked up here.
    """

    def __init__(self, ngrams: Sequence[int], rows: int, n_embd: int):
        super().__init__()
        self.ngrams, self.rows = tuple(ngrams), rows
        self.none = len(self.ngrams) * rows  # a row that stays zero
        self.embedding = nn.EmbeddingBag(
            self.none + 1, n_embd, mode="sum", padding_idx=self.none
        )
        nn.init.zeros_(self.embedding.weight)

    def forward(
        self, text: Int[Tensor, "B S"], pos: Int[Tensor, "B T"]
    ) -> Float[Tensor, "B T C"]:
        """The sums of rows at the positions pos of the texts."""
        B, T = pos.shape
        rows = [
            hashed.gather(1, pos) % self.rows + i * self.rows  # (B, T)
            for i, hashed in enumerate(self.hashes(text))
        ]
        rows = torch.stack(rows, dim=-1)  # (B, T, tables)
        short = pos[..., None] < torch.tensor(self.ngrams, device=text.device) - 1
        rows = rows.masked_fill(short, self.none)
        return self.embedding(rows.flatten(0, 1)).view(B, T, -1)

    def hashes(self, text: Int[Tensor, "B S"]) -> list[Int[Tensor, "B S"]]:
        """For each length n, a number that depends on the last n tokens only."""
        hashed, found = text + 1, []
        for back in range(1, max(self.ngrams)):
            before = F.pad(text, (back, 0))[:, : text.size(1)] + 1  # (B, S)
            hashed = hashed * 1_000_003 + before * (7_919 + 2 * back)
            hashed = hashed ^ (hashed >> 17)
            if back + 1 in self.ngrams:
                found.append((hashed * 2_654_435_761) >> 15)
        return found


def _count(longest: Tensor, order: int, vocab_size: int) -> list[tuple]:
    """(keys, counts) of the n-grams of each length 1..order, from all longest ones.

    The count of the longest is how often they occur, that of shorter ones how many
    different tokens come before them (Kneser and Ney, 1995).
    """
    tables, seen = [], longest
    for n in range(order, 0, -1):
        keys, counts = (seen % vocab_size**n).unique(return_counts=True)
        tables.append((keys, counts))
        seen = keys
    return tables[::-1]


def _keys(tokens: Int[Tensor, "... N"], n: int, vocab_size: int) -> Tensor:
    """Every n-gram of a text as a number, its tokens the digits."""
    count = max(0, tokens.size(-1) - n + 1)
    key = torch.zeros_like(tokens[..., :count])
    for first in range(n):
        key = key * vocab_size + tokens[..., first : count + first]
    return key


def _discounts(counts: Tensor) -> Tensor:
    """Discounts of counts of 0, 1, 2 and more (Chen and Goodman, equation 26)."""
    n1, n2, n3, n4 = (max(1, int((counts == times).sum())) for times in (1, 2, 3, 4))
    y = n1 / (n1 + 2 * n2)
    wanted = (1 - 2 * y * n2 / n1, 2 - 3 * y * n3 / n2, 3 - 4 * y * n4 / n3)
    # Few counts can make the formula leave its range.
    kept = [min(max(d, 0.1), c - 0.05) for c, d in enumerate(wanted, start=1)]
    return torch.tensor([0.0, *kept])
