"""gptlib: the GPT that the notebooks build, piece by piece, as a library.

Start with `notebooks/00_start_here.ipynb`. A room is one file: `data`, `tokenizer`,
`attention`, `model`, `optim`, `training`, `evaluation`, `generation`, `handler`.
"""

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

__all__ = [
    "GPT",
    "BPETokenizer",
    "Bigram",
    "Block",
    "CausalSelfAttention",
    "CharTokenizer",
    "Corpus",
    "CountedNGrams",
    "DataError",
    "DivergedError",
    "Evaluation",
    "Examples",
    "FeedForward",
    "GPTConfig",
    "Head",
    "KVCache",
    "Knobs",
    "LanguageModel",
    "ModelFileError",
    "ModelHandler",
    "ModernConfig",
    "ModernGPT",
    "MultiHeadAttention",
    "Step",
    "TokenSplits",
    "TrainConfig",
    "Training",
    "count_parameters",
    "evaluate",
    "generate",
    "load_corpus",
    "pick_device",
    "random_windows",
    "shakespeare_plays",
    "stream",
    "train",
]
__version__ = "0.1.0"
