"""gptlib: the GPT that the notebooks build step by step, as a library.

Start with `notebooks/00_start_here.ipynb`. Read the modules in this order:

    data, tokenizer, bpe                            text to tokens
    attention, model, modern, ngram, lora           models
    optim, settings, training, evaluation           learning
    cache, generation, streaming                    generating
    plots, errors                                   figures, checks of arguments

You may ignore the packages at first: `handler` (one folder, one model), `lab`
(widgets), `commands` (`python -m gptlib`), `hub` (Hugging Face), `corpora` (text larger
than memory), `scale` (many processes), `fast` (decoding in NumPy), `hooks` (looking
inside), `files` (downloads).
"""

import gptlib.files.interrupts  # first: torch takes seconds  # isort: split
from gptlib.attention import CausalSelfAttention, Head, MultiHeadAttention
from gptlib.bpe import BPETokenizer
from gptlib.cache import KVCache
from gptlib.data import (
    Corpus,
    Examples,
    TokenSplits,
    load_corpus,
    random_windows,
    shakespeare_plays,
)
from gptlib.errors import DataError, DivergedError, ModelFileError
from gptlib.evaluation import Evaluation, evaluate
from gptlib.generation import generate, stream
from gptlib.handler import ModelHandler
from gptlib.model import (
    GPT,
    Bigram,
    Block,
    FeedForward,
    GPTConfig,
    LanguageModel,
    count_parameters,
)
from gptlib.modern import ModernConfig, ModernGPT
from gptlib.ngram import CountedNGrams
from gptlib.tokenizer import CharTokenizer
from gptlib.training import Knobs, Step, TrainConfig, Training, pick_device, train

__version__ = "0.1.0"
