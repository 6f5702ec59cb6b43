"""python -m gptlib train: train the model that a recipe or options describe.

Read next: `recipe.py`, what can be described; `gptlib/scale`, several processes.
"""

import sys
from collections.abc import Collection
from dataclasses import asdict, dataclass, field, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Literal, TypedDict, get_type_hints

import torch
import tyro
from torch import nn
from tqdm import tqdm

from gptlib.bpe import TokenizerConfig, build_tokenizer
from gptlib.commands.arguments import Folder
from gptlib.commands.evaluate import progress
from gptlib.commands.recipe import Recipe, differences, override, write_recipe
from gptlib.commands.settings_file import read_settings
from gptlib.composed import CountsConfig
from gptlib.corpora.shards import TokenCorpus, open_corpus, padded
from gptlib.data import Corpus
from gptlib.errors import require_int
from gptlib.evaluation import evaluate
from gptlib.files.atomic import write_atomically
from gptlib.handler import STORED_TYPES, ModelHandler
from gptlib.handler.build import (
    build_config,
    build_model,
    describe_config,
    nested,
    take_weights,
)
from gptlib.handler.folder import COPIES, MODEL, holds_model, stored_dtype
from gptlib.handler.modelfile import stored_tensors
from gptlib.hub.pretrained import CONFIG, PUBLISHED, load_pretrained
from gptlib.model import count_parameters
from gptlib.scale import is_main_process, open_handler, process_group
from gptlib.settings import TrainConfig, pick_device, stored_config
from gptlib.tokenizer import Tokenizer

Text = Corpus | TokenCorpus
SAMPLE_TOKENS = 2500
# A training is resumed with another number of parts, or on another device.
MAY_DIFFER = ("accumulate", "precision", "compile")


class ModelOptions(TypedDict, total=False):
    """Settings for `build_config`; only those that are given take effect."""

    # Tokens; by default as many as the tokenizer has. A larger number, such as 50304
    # for the 50257 of GPT-2, is faster on GPUs: it adds tokens that never occur. Not
    # with --start.
    vocab_size: int
    block_size: int  # the longest context, in tokens
    n_layer: int  # blocks
    n_head: int  # attention heads of each block; n_embd is a multiple of it
    n_embd: int  # the width: numbers per token
    dropout: float  # the probability of dropping a number in training, in [0, 1)
    without: list[str]  # ModernGPT: parts replaced by those of GPT-2
    value_residual: bool  # ModernGPT: mix the values of each block with the first's
    convolution: bool  # ModernGPT: add a short convolution after each norm of a block
    head_gate: bool  # ModernGPT: scale the output of each head
    ngrams: list[int]  # ModernGPT: lengths of n-grams that get a table, 2 to 16
    table_rows: int  # ModernGPT: rows of each of these tables
    count: int  # ModernGPT: order of the n-gram counts beside it, 0 for none
    blend: float  # ModernGPT: its weight in a mixture with the counts, in [0, 1)


MODEL_OPTIONS = tuple(get_type_hints(ModelOptions))


@dataclass
class Train:
    """Train a model into a folder; an interrupted training is resumed.

    Ctrl-C ends the step, saves, and says how to resume; it is also saved about every
    minute. A resumed training keeps its settings, except --training.accumulate and
    --strategy. Several processes, started by torchrun, share each batch.
    """

    folder: Folder
    # A .json or .yaml file with the settings below, such as models/plain/recipe.json;
    # options beside it take precedence.
    recipe: Path | None = None
    # Only write all these settings as a recipe, .json or .yaml.
    write_recipe: Path | None = None
    # How several processes train: each with the whole model (ddp), or with a part of
    # it (sharded), which needs less memory.
    strategy: Literal["ddp", "sharded"] = "ddp"
    # tinyshakespeare, shakespeare-plays, a text file, or a folder of tokens from
    # `data --dataset`.
    corpus: str = Recipe.corpus
    # The shape. Without a recipe: a GPT of 4 blocks of 4 heads, width 128, context 128;
    # a ModernGPT needs a recipe with "class": "ModernGPT", or --start.
    model: ModelOptions = field(default_factory=dict)
    # An NVIDIA GPU always computes in bfloat16 and, where possible, compiled.
    training: TrainConfig = field(default_factory=TrainConfig)
    # How the finished model is stored, by default float32 or as one that is there;
    # float16 needs half the space.
    dtype: Literal["float32", "float16"] = Recipe.dtype
    # A model's folder, or gpt2, gpt2-medium …: its weights and tokenizer to start from,
    # and its shape, which the settings given for the model change.
    start: str | None = None
    # Once the training in the folder is finished: train its model so many steps more,
    # on a new schedule, with the settings it had but for those given here; its history
    # begins anew. A training that is not finished is resumed, and no more.
    more_steps: int | None = None
    # For text; a folder of tokens has its own.
    tokenizer: TokenizerConfig = field(default_factory=TokenizerConfig)
    base: tyro.conf.Suppress[tyro.conf.Fixed[Recipe]] = field(default_factory=Recipe)
    named: tyro.conf.Suppress[tyro.conf.Fixed[tuple]] = ()

    def __post_init__(self):
        self.described()  # wrong options are refused while they are parsed
        if self.more_steps is not None:
            require_int("more_steps", self.more_steps, 1)

    @classmethod
    def from_recipe(cls, path: Path) -> "Train":
        """The command with a recipe's settings as defaults, its folder still missing.

        Raises OSError, or ValueError that names the file and the key.
        """
        settings = read_settings(path)
        base = Recipe.of(settings, path)
        # Recipes named the strategy before it was an option.
        sharded = settings["training"].get("parallel") == "sharded"
        command = cls(
            Path(),
            path,
            strategy="sharded" if sharded else cls.strategy,
            corpus=base.corpus,
            model={k: base.model[k] for k in MODEL_OPTIONS if k in base.model},
            training=base.training,
            dtype=base.dtype,
            start=base.start if isinstance(base.start, str) else None,
            tokenizer=base.tokenizer,
            base=base,
            named=(*settings["training"], *({"dtype"} & settings.keys())),
        )
        command.folder = tyro.MISSING
        return command

    def described(self) -> Recipe:
        """The recipe, with the options that were given beside it."""
        return replace(
            self.base,
            corpus=self.corpus,
            model=override(self.base.model, self.model),
            training=self.training,
            dtype=self.dtype,
            start=self.start or self.base.start,
            tokenizer=self.tokenizer,
        )

    def run(self) -> None:
        if self.write_recipe is not None:
            write_recipe(self.write_recipe, self.described())
            print(f"run it: python -m gptlib train FOLDER --recipe {self.write_recipe}")
            return
        with process_group():
            try:
                rest = {"more_steps": self.more_steps, "named": self.named}
                train_recipe(self.described(), self.folder, self.strategy, **rest)
            except KeyboardInterrupt:
                if is_main_process():
                    raise
                sys.exit(1)  # one message, however many processes


def train_recipe(
    recipe: Recipe,
    folder: Path,
    strategy: str,
    final: bool = True,
    more_steps: int | None = None,
    named: Collection[str] = (),
) -> None:
    """Train what a recipe describes, or resume it; final: also measure and sample;
    named: settings that were given, be it as they are by default."""
    kept = (folder / MODEL).is_file() and stored_dtype(folder)
    dtype = kept if kept and "dtype" not in named else recipe.dtype
    handler, corpus = open_handler(folder, strategy), open_corpus(recipe.corpus)
    try:
        if holds_model(folder):
            trained = resume(handler.load(), recipe, corpus, more_steps, named)
        elif more_steps is not None:
            raise ValueError(f"more_steps={more_steps}: {folder} holds no training")
        else:  # an empty folder, or a training that ended before it was first saved
            trained = begin(handler, recipe, corpus, strategy)
        sample = folder / COPIES[-1]  # the last thing that a finished training leaves
        ended = sample.is_file() and not sample.is_symlink() and not trained
        ended = ended and dtype == kept and handler.history[-1].val is not None
        if final and is_main_process() and not ended:
            measure(handler, corpus, dtype)
    except KeyboardInterrupt:
        step = handler.history[-1].step if handler.history else 0
        says = f"stopped at step {step}; the same command continues from there"
        raise KeyboardInterrupt(says) from None


def begin(handler: ModelHandler, recipe: Recipe, corpus: Text, strategy: str) -> bool:
    """Train a new model, from the beginning; whether it took steps."""
    start, tokenizer = load_start(recipe, handler.path, strategy)
    tokenizer = tokenizer or make_tokenizer(recipe.tokenizer, corpus)
    require_tokenizer(recipe.tokenizer, tokenizer)
    if recipe.vocab_size is not None:
        tokenizer = padded(tokenizer, recipe.vocab_size)
    settings = recipe.model
    if start is not None and "class" not in settings:
        settings = override(describe_config(start.config), settings)
    settings = override(settings, {"vocab_size": tokenizer.vocab_size})
    replace(recipe, model=settings, start=None)  # is checked as any recipe
    config = build_config(settings)
    if isinstance(corpus, TokenCorpus) and isinstance(config, CountsConfig):
        raise ValueError(f"order={config.order}: tokens on a disk are not counted")
    data = corpus.encode(tokenizer)
    torch.manual_seed(recipe.training.seed)
    model = build_model(config, data.train)
    if start is not None:
        take_weights(model, start)
    training, device = recipe.training, pick_device()
    if device.type == "cuda":
        # torch compiles for graphics cards by Triton, which Windows lacks.
        triton = find_spec("triton") is not None
        training = replace(training, precision="bfloat16", compile=triton)
    model.to(device)
    print(f"{model.config}: {count_parameters(model):,} parameters")
    # Saved at its first checkpoint: a model in a folder is one that took time.
    handler.model, handler.tokenizer = model, tokenizer
    return bool(handler.train(data=data, config=training))


def resume(handler, recipe: Recipe, corpus: Text, more_steps, named) -> bool:
    """Continue a training, if need be with more steps; whether there was anything."""
    about = handler.trained_on
    if corpus.sha256 != about.get("sha256"):
        raise ValueError(
            f"{handler.path} holds a model trained on "
            f"{about.get('corpus', 'an unknown text')}, not on {recipe.corpus}: choose "
            f"another folder; --start {handler.path} begins with its weights"
        )
    require_tokenizer(recipe.tokenizer, handler.tokenizer)
    finished = about["step"] == about["config"]["steps"]
    usual, given = asdict(TrainConfig()), asdict(recipe.training)
    given = {k: v for k, v in given.items() if v != usual[k] or k in named}
    if more_steps is not None:  # it may be that, or the training before it
        given |= {"steps": more_steps if finished else about["config"]["steps"]}
    config = replace(stored_config(about["config"]), **given)
    start = recipe.start if "start" in named else None
    require_same(handler, recipe, {} if finished and more_steps else given, start)
    if not finished:
        config = None
    elif more_steps is None:
        print(f"the training in {handler.path} is finished; --more-steps adds to it")
        return False
    print(f"resuming the training in {handler.path}")
    handler.resume_with(recipe.training.accumulate)
    handler.model.to(pick_device())
    return bool(handler.train(data=corpus, config=config))


def require_same(handler: ModelHandler, recipe: Recipe, training: dict, start) -> None:
    """Raise ValueError for settings that resuming the folder's training ignores."""
    saved = asdict(stored_config(handler.trained_on["config"]))
    ignored = []
    for name, value in training.items():
        if name not in MAY_DIFFER and value != saved[name]:
            ignored.append(f"training.{name}={value} (here {saved[name]})")
    before = handler.trained_on.get("before", [])
    here = ["none that is known", *(t["model"] for t in before if "model" in t)][-1]
    if start not in (None, here):
        ignored.append(f"start={start} (here {here})")
    own = describe_config(handler.model.config)
    given = recipe.model if "class" in recipe.model else override(own, recipe.model)
    for name, value, here in differences(nested(given), own):
        ignored.append(f"model.{name}={value} (here {here})")
    if ignored:
        raise ValueError(
            f"the training in {handler.path} keeps its settings and would ignore "
            f"{', '.join(ignored)}. Leave it out to resume; to train longer, add "
            "--more-steps once it is finished; to train in another way, train into a "
            f"new folder with --start {handler.path}"
        )


def measure(handler: ModelHandler, corpus: Text, dtype: str) -> None:
    """Measure the finished model as it is stored, store it, and write a sample."""
    handler.load()
    # In half precision it is measured as it will be read.
    tensors = stored_tensors(handler.model, STORED_TYPES[dtype])
    handler.model.load_state_dict(tensors)
    tokenizer, last = handler.tokenizer, handler.history[-1]
    val = corpus.encode(tokenizer).val
    with progress(handler.model, len(val)):
        result = evaluate(handler.model, val, tokenizer=tokenizer)
    handler.history[-1] = replace(last, val=result.loss)
    handler.save(dtype=dtype)
    minutes = last.seconds / 60
    print(f"trained for {minutes:.1f} minutes; whole validation split: {result}")
    text = tokenizer.decode(val)
    prompt = "\n" if "\n" in text else text[0]
    pieces = handler.stream(prompt, SAMPLE_TOKENS, temperature=0.8, seed=1)
    bar = tqdm(pieces, total=SAMPLE_TOKENS, unit="token", delay=2, leave=False)
    sample = (prompt + "".join(bar)).lstrip("\n")
    write_atomically(handler.path / COPIES[-1], sample.encode())


def make_tokenizer(config: TokenizerConfig, corpus: Text) -> Tokenizer:
    """A corpus's own tokenizer, or one that is made for its text."""
    if isinstance(corpus, TokenCorpus):
        return corpus.tokenizer
    # Merges are found in the training text; characters must all be known.
    text = corpus.text if config.type == "char" else corpus.train
    return build_tokenizer(config, text)


def require_tokenizer(config: TokenizerConfig, tokenizer: Tokenizer) -> None:
    """Raise ValueError for a choice that a text or a model with its own ignores."""
    merges = {"char": 0, "gpt2": 50_000, "bpe": (config.vocab_size or 0) - 256}
    given = config != TokenizerConfig()
    if given and len(getattr(tokenizer, "merges", ())) != merges[config.type]:
        raise ValueError(f"{config} would be ignored: here it is {tokenizer!r:.60}")


def load_start(
    recipe: Recipe, folder: Path, strategy: str
) -> tuple[nn.Module | None, Tokenizer | None]:
    """The model to start from and its tokenizer; a recipe for it is run first."""
    start = recipe.start
    if start is None:
        return None, None
    if isinstance(start, Recipe):
        first = folder.with_name(f"{folder.name}_start")
        train_recipe(start, first, strategy, final=False)
        start = str(first)
    if start in PUBLISHED or is_published(Path(start)):
        model, tokenizer = load_pretrained(start)
    else:
        handler = ModelHandler(start).load()
        model, tokenizer = handler.model, handler.tokenizer
    unknown = {"corpus": f"what is not known of {start}", "sha256": ""}
    texts = getattr(model, "texts", []) or [unknown]
    model.texts = [*texts[:-1], texts[-1] | {"model": start}]
    return model, tokenizer


def is_published(folder: Path) -> bool:
    """Whether a folder has the form of Hugging Face, not of a ModelHandler."""
    described = folder / CONFIG
    return described.is_file() and b'"class"' not in described.read_bytes()
