"""The library from the shell: python -m gptlib data | train | sample | ..."""

import json
import sys
from dataclasses import asdict, dataclass, field, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Literal

import torch
import tyro
from torch import nn

from gptlib.bpe import TokenizerConfig, build_tokenizer
from gptlib.data import Corpus, load_corpus
from gptlib.distributed import joined, leave, rank
from gptlib.evaluation import evaluate, sliding_loss
from gptlib.handler import ModelHandler
from gptlib.history import write_history
from gptlib.model import GPTConfig, count_parameters
from gptlib.modern import ModernConfig, build_config, build_model, take_weights
from gptlib.pretrained import PUBLISHED, load_pretrained
from gptlib.sweep import sweep
from gptlib.tokenizer import Tokenizer
from gptlib.training import TrainConfig, pick_device

Folder = tyro.conf.Positional[Path]
Shape = GPTConfig | ModernConfig


@dataclass
class Data:
    """Fetch a corpus, verify it, and say what it holds."""

    corpus: tyro.conf.Positional[str] = "tinyshakespeare"
    """A corpus of gptlib, or a text file of yours."""

    def run(self) -> None:
        print(load_corpus(self.corpus))


@dataclass
class Train:
    """Train a GPT into a folder; started again, it goes on where it was.

    Started by torchrun, several processes share each batch.
    """

    folder: Folder
    recipe: Path | None = None
    """A JSON file {"corpus": …, "model": {…}, "training": {…}, "tokenizer": {…},
    "dtype": …, "start": …} instead of options; "class": "ModernGPT" in "model" for that
    one; "start" may be a recipe, to be trained first."""
    corpus: str = "tinyshakespeare"
    """A corpus of gptlib, or a text file of yours."""
    model: GPTConfig = field(default_factory=GPTConfig)
    """vocab_size is taken from the corpus."""
    training: TrainConfig = field(default_factory=TrainConfig)
    dtype: Literal["float32", "float16"] = "float32"
    """How the finished model is stored; float16 takes half the space."""

    start: str | None = None
    """A model folder to begin with, or gpt2, gpt2-medium …: its weights and tokenizer.
    The shape is from here, or the model's own in a recipe without "model"."""

    tokenizer: TokenizerConfig = field(default_factory=TokenizerConfig)

    def run(self) -> None:
        with joined():
            shape = self.model
            if self.recipe is not None:
                shape = self._read(json.loads(self.recipe.read_text(encoding="utf-8")))
            self._finish(shape)

    def _finish(self, shape: Shape | None, measure: bool = True) -> None:
        handler, corpus = ModelHandler(self.folder), load_corpus(self.corpus)
        try:
            self._train(handler, corpus, shape)
            if measure and rank() == 0:  # the first process measures and writes
                self._measure(handler, corpus)
        except KeyboardInterrupt:
            step = handler.history[-1].step if handler.history else 0
            sys.exit(f"stopped at step {step}; the same command goes on from there")

    def _read(self, stored: dict) -> Shape | None:
        needed = {"corpus", "training"} | (
            {"model"} if "start" not in stored else set()
        )
        missing = needed - stored.keys()
        if missing:
            raise ValueError(f"{self.recipe} lacks {missing.pop()!r}")
        self.corpus = stored["corpus"]
        self.start = stored.get("start", self.start)
        self.training = TrainConfig(**stored["training"])
        self.tokenizer = TokenizerConfig(**stored.get("tokenizer", {}))
        self.dtype = stored.get("dtype", self.dtype)
        return build_config(stored["model"]) if "model" in stored else None

    def _train(self, handler: ModelHandler, corpus: Corpus, shape) -> None:
        if (self.folder / "model.safetensors").is_file():
            handler.load()
        if not handler.trained_on:  # nothing there, or cut off before the first save
            self._start(handler, corpus, shape)
            return
        if corpus.sha256 != handler.trained_on["sha256"]:
            raise ValueError(
                f"{self.folder} holds a model trained on {handler.trained_on['corpus']}"
                f", not on {self.corpus}: choose another folder"
            )
        if handler.trained_on["step"] == handler.trained_on["config"]["steps"]:
            print(f"the training in {self.folder} is finished")
            return
        print(f"going on with the training in {self.folder}, as it was begun")
        handler.model.to(pick_device())
        handler.train(data=corpus)

    def _start(self, handler: ModelHandler, corpus: Corpus, shape) -> None:
        # Pieces are found in the training text; characters must all be known.
        text = corpus.text if self.tokenizer.type == "char" else corpus.train
        first, tokenizer = self._first()
        tokenizer = tokenizer or build_tokenizer(self.tokenizer, text)
        torch.manual_seed(self.training.seed)
        shape = replace(shape or first.config, vocab_size=tokenizer.vocab_size)
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

    def _first(self) -> tuple[nn.Module | None, Tokenizer | None]:
        """The model to begin with; where a recipe is given for it, trained first."""
        if not self.start:
            return None, None
        if not isinstance(self.start, dict):
            return load_start(self.start)
        folder = self.folder.with_name(f"{self.folder.name}_start")
        first = Train(folder, recipe=self.recipe)
        first._finish(first._read({"corpus": self.corpus} | self.start), measure=False)
        return load_start(first.folder)

    def _measure(self, handler: ModelHandler, corpus: Corpus) -> None:
        handler.save(dtype=self.dtype).load()  # what is measured is what is stored
        tok, last = handler.tokenizer, handler.history[-1]
        result = evaluate(handler.model, corpus.encode(tok).val, tokenizer=tok)
        handler.history[-1] = replace(last, val=result.loss)
        write_history(self.folder / "history.csv", handler.history)
        minutes = last.seconds / 60
        print(f"trained for {minutes:.1f} minutes; whole validation split: {result}")
        prompt = "\n" if "\n" in corpus.text else corpus.val[0]
        sample = handler.generate(prompt, 2500, temperature=0.8, seed=1)
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
class Sample:
    """Let a saved model continue a prompt."""

    folder: Folder
    prompt: str = "\n"
    max_new_tokens: int = 500
    temperature: float = 0.8
    top_k: int | None = None
    top_p: float | None = None
    seed: int | None = None
    weights: Literal["float32", "int8"] = "float32"
    """int8 is faster for a GPT of many millions of parameters."""

    def run(self) -> None:
        handler = ModelHandler(self.folder).load()
        print(self.prompt, end="")
        for piece in handler.stream(
            self.prompt,
            self.max_new_tokens,
            temperature=self.temperature,
            top_k=self.top_k,
            top_p=self.top_p,
            seed=self.seed,
            weights=self.weights,
        ):
            print(piece, end="", flush=True)
        print()


@dataclass
class Evaluate:
    """Measure a saved model on a whole split, in nats and bits a character."""

    folder: Folder
    corpus: str = "tinyshakespeare"
    split: Literal["val", "dev", "train"] = "val"
    stride: int | None = None
    """Let windows overlap, each this many tokens after the one before."""

    def run(self) -> None:
        handler = ModelHandler(self.folder).load()
        splits = load_corpus(self.corpus).encode(handler.tokenizer)
        tokens = getattr(splits, self.split)
        if self.stride is None:
            print(evaluate(handler.model, tokens, tokenizer=handler.tokenizer))
            return
        loss = sliding_loss(handler.model, tokens, self.stride)
        loss *= (len(tokens) - 1) / len(handler.tokenizer.decode(tokens[1:]))
        print(f"{loss:.4f} nats per character, windows sliding by {self.stride}")


@dataclass
class Export:
    """Write a saved GPT as the Hugging Face libraries read it."""

    folder: Folder
    to: tyro.conf.Positional[Path]

    def run(self) -> None:
        print(f"written to {ModelHandler(self.folder).load().export(self.to)}")


@dataclass
class Sweep:
    """Run what is missing of a sweep; its tables stand beside the spec."""

    spec: tyro.conf.Positional[Path]
    jobs: int = 1
    """Runs at a time; they share the threads."""

    def run(self) -> None:
        rows = sweep(self.spec, self.jobs)
        print(f"{len(rows)} runs in {self.spec.with_suffix('.csv')}")


@dataclass
class Bench:
    """Measure what things cost on this machine."""

    json: bool = False
    """One JSON object instead of a table."""

    train: bool = False
    """Run the trainings that take minutes, too."""

    def run(self) -> None:
        from gptlib.bench import figures, machine, table  # draws: loads matplotlib

        rows, here = figures(train=self.train), machine()
        if self.json:
            measured = [asdict(row) for row in rows]
            print(json.dumps({"machine": here, "figures": measured}))
            return
        print(", ".join(f"{name} {value}" for name, value in here.items()))
        print(table(rows))


Command = (
    Annotated[Data, tyro.conf.subcommand("data")]
    | Annotated[Train, tyro.conf.subcommand("train")]
    | Annotated[Sample, tyro.conf.subcommand("sample")]
    | Annotated[Evaluate, tyro.conf.subcommand("evaluate")]
    | Annotated[Export, tyro.conf.subcommand("export")]
    | Annotated[Sweep, tyro.conf.subcommand("sweep")]
    | Annotated[Bench, tyro.conf.subcommand("bench")]
)


def main(arguments: list[str] | None = None) -> None:
    """Run one command; an error is one line on stderr and exit status 1."""
    command = tyro.cli(Command, prog="python -m gptlib", args=arguments)
    try:
        command.run()
    except (OSError, ValueError, TypeError) as error:
        sys.exit(f"gptlib: {error}")
    leave()
