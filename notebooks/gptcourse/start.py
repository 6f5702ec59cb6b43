"""The set-up that all notebooks share. Read next: `claims.py`, `ladder.py`."""

import torch

from gptlib import plots
from gptlib.data import Corpus, TokenSplits, load_corpus
from gptlib.tokenizer import CharTokenizer

_notebook: str | None = None


def start(notebook: str, seed: int = 0) -> tuple[Corpus, CharTokenizer, TokenSplits]:
    """Set the figures' style and torch's seed, and load Tiny Shakespeare.

    notebook: its file name without the suffix; its results are recorded under it.
    Returns the corpus, its character tokenizer, and its splits as tokens.
    """
    global _notebook
    _notebook = notebook
    plots.use_style()
    torch.manual_seed(seed)
    corpus = load_corpus("tinyshakespeare")
    tokenizer = CharTokenizer(corpus.text)
    return corpus, tokenizer, corpus.encode(tokenizer)


def current_notebook() -> str:
    """Name of the notebook that called `start`; raises RuntimeError when none did."""
    if _notebook is None:
        raise RuntimeError("no notebook has called start(): run its first cell")
    return _notebook
