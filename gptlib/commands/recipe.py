"""A training as options and as a file: what is read, what learns it, and how.

    {"corpus": "tinyshakespeare",
     "model": {"n_layer": 4, "block_size": 64},
     "training": {"steps": 3000, "lr": 0.004}}

`python -m gptlib train models/mine --recipe FILE` runs such a file, JSON or YAML by its
name; options given beside it count more, and --write-recipe stores what options say.
Read next: `cli.py`, with the other commands.
"""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Literal

import torch
import tyro
import yaml
from torch import nn
from tqdm import tqdm

from gptlib.bpe import TokenizerConfig, build_tokenizer
from gptlib.composed import (
    Config,
    build_config,
    build_model,
    describe_config,
    resize,
    take_weights,
)
from gptlib.corpora.shards import TokenCorpus, open_corpus, padded
from gptlib.data import Corpus
from gptlib.errors import require_choice
from gptlib.evaluation import evaluate
from gptlib.files.atomic import write_atomically
from gptlib.handler import ModelHandler
from gptlib.handler.history import write_history
from gptlib.hub.pretrained import PUBLISHED, load_pretrained
from gptlib.model import GPTConfig, count_parameters
from gptlib.modern import ModernConfig
from gptlib.scale.distributed import joined, rank
from gptlib.tokenizer import Tokenizer
from gptlib.training import TrainConfig, pick_device

KEYS = ("about", "corpus", "model", "training", "tokenizer", "dtype", "start")
YAML = (".yaml", ".yml")


def read_recipe(path: str | Path) -> dict:
    """The content of a recipe, its keys checked. Raises OSError, or ValueError.

    "model" may name a "class", "GPT" (default) or "ModernGPT"; with "start" (a folder,
    gpt2 ..., or a recipe to be trained first) it may be missing. "about" is for people.
    """
    text = Path(path).read_text(encoding="utf-8")
    try:
        stored = yaml.safe_load(text) if _is_yaml(path) else json.loads(text)
    except (ValueError, yaml.YAMLError) as error:
        raise ValueError(f"{path} is no recipe: {error}") from None
    check_recipe(stored, path)
    return stored


def check_recipe(stored, path: str | Path) -> None:
    """Raise ValueError unless the keys of a recipe are there, and no others."""
    if not isinstance(stored, dict):
        raise ValueError(f"{path} is no recipe: expected an object with {KEYS}")
    for key in stored:
        require_choice(f"{path}: key", key, KEYS)
    needed = ["corpus", "training"] + ["model"] * ("start" not in stored)
    for key in needed:
        if key not in stored:
            raise ValueError(f"{path} lacks {key!r}")
    for section in stored.keys() & {"model", "training", "tokenizer"}:
        if not isinstance(stored[section], dict):
            raise ValueError(f"{path}: {section!r} must be an object of settings")
        stored[section] = {k: _number(v) for k, v in stored[section].items()}


def write_recipe(path: str | Path, recipe: dict) -> None:
    """Store a recipe. Raises OSError, or ValueError for another kind of file."""
    require_choice("the recipe's suffix", Path(path).suffix, (".json", *YAML))
    if _is_yaml(path):
        text = yaml.safe_dump(recipe, sort_keys=False, allow_unicode=True)
    else:
        text = json.dumps(recipe, indent=1, ensure_ascii=False) + "\n"
    write_atomically(Path(path), text.encode())


def _is_yaml(path: str | Path) -> bool:
    return Path(path).suffix in YAML


def _number(value):
    """What YAML takes for text although it is a number: 1e-3."""
    try:
        return float(value) if isinstance(value, str) else value
    except ValueError:
        return value


def a_path(metavar: str, help: str):
    """A path that is given without the name of an option."""
    return Annotated[
        tyro.conf.Positional[Path], tyro.conf.arg(metavar=metavar, help=help)
    ]


Folder = a_path("FOLDER", "The model's folder.")


@contextmanager
def progress(model: nn.Module, tokens: int) -> Iterator[None]:
    """A bar of the tokens that go through model inside, once that takes a while."""
    bar = tqdm(total=tokens, unit="token", unit_scale=True, delay=2, leave=False)

    def count(_, args) -> None:  # what a hook returns would take the input's place
        bar.update(args[0].numel())

    hook = model.register_forward_pre_hook(count)
    try:
        with bar:
            yield
    finally:
        hook.remove()


@dataclass
class Train:
    """Train a GPT into a folder; started again, it goes on where it was.

    Ctrl-C ends the step, saves, and says how to go on; about every minute it saves
    anyway. Going on, it is as it was begun, but for --training.accumulate and
    --training.parallel: they are what the command says now. Started by torchrun,
    several processes share each batch.
    """

    folder: Folder
    # A .json or .yaml file that sets all that follows, as models/plain/recipe.json;
    # options given beside it count more.
    recipe: Path | None = None
    # Only write all these settings as a recipe, .json or .yaml.
    write_recipe: Path | None = None
    # tinyshakespeare, shakespeare-plays, a text file of yours, or a folder of tokens
    # that `data --dataset` has made.
    corpus: str = "tinyshakespeare"
    # The shape. vocab_size is the tokenizer's; a larger one, as 50304 for GPT-2's
    # 50257, is filled up with tokens that never occur, for GPUs to multiply quicker;
    # not with --start. 65 stands for the tokenizer's own.
    model: GPTConfig = field(default_factory=GPTConfig)
    # On an NVIDIA GPU always in bfloat16 and, where it can be, compiled.
    training: TrainConfig = field(default_factory=TrainConfig)
    # How the finished model is stored; float16 takes half the space.
    dtype: Literal["float32", "float16"] = "float32"
    # A model folder to begin with, or gpt2, gpt2-medium …: its weights and tokenizer,
    # and its shape where no other is given.
    start: str | None = None
    # For text; tokens have one.
    tokenizer: TokenizerConfig = field(default_factory=TokenizerConfig)
    first: tyro.conf.Suppress[dict | None] = None  # a recipe's "start" that is a recipe
    given: tyro.conf.Suppress[bool] = False  # is the model's shape in the recipe?

    @classmethod
    def of(cls, stored: dict, path: Path, folder: Path) -> "Train":
        """The training of a recipe's content."""
        check_recipe(stored, path)
        shape, start = build_config(stored.get("model", {})), stored.get("start")
        kind = Train if isinstance(shape, GPTConfig) else TrainModern
        return kind(
            folder,
            path,
            corpus=stored["corpus"],
            model=shape,
            training=TrainConfig(**stored["training"]),
            dtype=stored.get("dtype", cls.dtype),
            start=None if isinstance(start, dict) else start,
            tokenizer=TokenizerConfig(**stored.get("tokenizer", {})),
            first=start if isinstance(start, dict) else None,
            given="model" in stored,
        )

    def run(self) -> None:
        if self.write_recipe is not None:
            write_recipe(self.write_recipe, self._described())
            print(f"run it: python -m gptlib train FOLDER --recipe {self.write_recipe}")
            return
        with joined():
            self._finish()

    def _shape(self) -> Config | None:
        """The shape; None for that of the model to begin with."""
        own = self.given or not (self.start or self.first) or self.model != GPTConfig()
        return self.model if own else None

    def _described(self) -> dict:
        recipe = {"corpus": self.corpus, "start": self.first or self.start}
        if shape := self._shape():
            recipe["model"] = describe_config(shape)
            if shape.vocab_size == GPTConfig.vocab_size:  # nobody asked for one
                inside = recipe["model"]
                while "model" in inside:
                    inside = inside["model"]
                del inside["vocab_size"]
        recipe["training"] = asdict(self.training)
        recipe["tokenizer"] = {k: v for k, v in asdict(self.tokenizer).items() if v}
        recipe["dtype"] = self.dtype
        return {key: value for key, value in recipe.items() if value}

    def _finish(self, measure: bool = True) -> None:
        handler, corpus = ModelHandler(self.folder), open_corpus(self.corpus)
        try:
            self._train(handler, corpus)
            if measure and rank() == 0:  # the first process measures and writes
                self._measure(handler, corpus)
        except KeyboardInterrupt:
            step = handler.history[-1].step if handler.history else 0
            said = f"stopped at step {step}; the same command goes on from there"
            sys.exit(said if rank() == 0 else 1)  # once, however many processes

    def _train(self, handler: ModelHandler, corpus: Corpus | TokenCorpus) -> None:
        if (self.folder / "model.safetensors").is_file():
            handler.load()
        if not handler.trained_on:  # nothing there, or cut off before the first save
            self._start(handler, corpus)
            return
        if corpus.sha256 != handler.trained_on["sha256"]:
            raise ValueError(
                f"{self.folder} holds a model trained on {handler.trained_on['corpus']}"
                f", not on {self.corpus}: choose another folder"
            )
        if handler.trained_on["step"] == handler.trained_on["config"]["steps"]:
            print(f"the training in {self.folder} is finished")
            return
        print(f"going on with the training in {self.folder}")
        how = self.training
        handler.share(accumulate=how.accumulate, parallel=how.parallel)
        handler.model.to(pick_device())
        handler.train(data=corpus)

    def _start(self, handler: ModelHandler, corpus: Corpus | TokenCorpus) -> None:
        first, tokenizer = self._first()
        tokenizer = tokenizer or self._tokenizer(corpus)
        torch.manual_seed(self.training.seed)
        shape = self._shape() or first.config
        if shape.vocab_size != GPTConfig.vocab_size:
            tokenizer = padded(tokenizer, shape.vocab_size)
        shape = resize(shape, vocab_size=tokenizer.vocab_size)
        if isinstance(corpus, TokenCorpus) and getattr(shape, "order", 0):
            raise ValueError(f"order={shape.order}: tokens on a disk are not counted")
        data = corpus.encode(tokenizer)
        device = pick_device()
        if device.type == "cuda":
            # torch compiles for graphics cards by Triton, which Windows lacks.
            triton = find_spec("triton") is not None
            self.training = replace(self.training, precision="bfloat16", compile=triton)
        model = build_model(shape, data.train)
        if first:
            take_weights(model, first)
        model.to(device)
        print(f"{model.config}: {count_parameters(model):,} parameters")
        handler.save(model, tokenizer)
        handler.train(data=data, config=self.training)

    def _tokenizer(self, corpus: Corpus | TokenCorpus) -> Tokenizer:
        if isinstance(corpus, TokenCorpus):
            return corpus.tokenizer
        # Pieces are found in the training text; characters must all be known.
        text = corpus.text if self.tokenizer.type == "char" else corpus.train
        return build_tokenizer(self.tokenizer, text)

    def _first(self) -> tuple[nn.Module | None, Tokenizer | None]:
        """The model to begin with; where a recipe is given for it, trained first."""
        if self.first:
            folder = self.folder.with_name(f"{self.folder.name}_start")
            stored = {"corpus": self.corpus} | self.first
            Train.of(stored, self.recipe, folder)._finish(measure=False)
            return load_start(folder)
        return load_start(self.start) if self.start else (None, None)

    def _measure(self, handler: ModelHandler, corpus: Corpus | TokenCorpus) -> None:
        handler.save(dtype=self.dtype).load()  # what is measured is what is stored
        tok, last = handler.tokenizer, handler.history[-1]
        val = corpus.encode(tok).val
        with progress(handler.model, len(val)):
            result = evaluate(handler.model, val, tokenizer=tok)
        handler.history[-1] = replace(last, val=result.loss)
        write_history(self.folder / "history.csv", handler.history)
        minutes = last.seconds / 60
        print(f"trained for {minutes:.1f} minutes; whole validation split: {result}")
        text = tok.decode(val)
        prompt = "\n" if "\n" in text else text[0]
        pieces = handler.stream(prompt, 2500, temperature=0.8, seed=1)
        bar = tqdm(pieces, total=2500, unit="token", delay=2, leave=False)
        sample = prompt + "".join(bar)
        (self.folder / "sample.txt").write_text(sample.lstrip("\n"), encoding="utf-8")


def load_start(start: str | Path) -> tuple[nn.Module, Tokenizer]:
    """A model of ours, or one that is published as Hugging Face folders are."""
    described = Path(start) / "config.json"
    shape = json.loads(described.read_bytes()) if described.is_file() else {}
    if start in PUBLISHED or (shape and "class" not in shape):
        return load_pretrained(start)
    handler = ModelHandler(start).load()
    return handler.model, handler.tokenizer


@dataclass
class TrainModern(Train):
    """Train a ModernGPT into a folder; started again, it goes on where it was."""

    model: Config = field(default_factory=ModernConfig)
