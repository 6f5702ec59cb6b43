"""python -m gptlib evaluate: the loss of a saved model on a whole split."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

import torch
from torch import nn
from tqdm import tqdm

from gptlib.commands.arguments import Folder
from gptlib.corpora.shards import open_corpus
from gptlib.evaluation import evaluate, sliding_loss
from gptlib.handler import ModelHandler


@dataclass
class Evaluate:
    """Measure a saved model on a whole split, in nats and bits per character."""

    folder: Folder
    # tinyshakespeare, shakespeare-plays, a text file, or a folder of tokens.
    corpus: str = "tinyshakespeare"
    # val is for the end; dev, the end of train, is for choosing settings.
    split: Literal["val", "dev", "train"] = "val"
    # Let windows overlap, each this many tokens after the one before: from 1 to the
    # model's context. Losses are lower, take longer, and must not be compared with
    # losses without --stride.
    stride: int | None = None

    def run(self) -> None:
        handler = ModelHandler(self.folder).load()
        splits = open_corpus(self.corpus).encode(handler.tokenizer)
        tokens = getattr(splits, self.split)
        if not torch.is_tensor(tokens):
            raise ValueError(f"{self.corpus}: train is too much to measure, take dev")
        width = handler.model.block_size
        with progress(handler.model, len(tokens) * width // (self.stride or width)):
            if self.stride is None:
                print(evaluate(handler.model, tokens, tokenizer=handler.tokenizer))
                return
            loss = sliding_loss(handler.model, tokens, self.stride)
        loss *= (len(tokens) - 1) / len(handler.tokenizer.decode(tokens[1:]))
        print(f"{loss:.4f} nats per character, windows sliding by {self.stride}")


@contextmanager
def progress(model: nn.Module, tokens: int) -> Iterator[None]:
    """Show how many of the tokens went through the model, after two seconds."""
    bar = tqdm(total=tokens, unit="token", unit_scale=True, delay=2, leave=False)

    def count(_, args) -> None:  # a hook's return value would replace the input
        bar.update(args[0].numel())

    hook = model.register_forward_pre_hook(count)
    try:
        with bar:
            yield
    finally:
        hook.remove()
