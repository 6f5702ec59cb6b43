"""The library from the shell: python -m gptlib data | train | sample | ..."""

import json
import sys
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Annotated, Literal

import torch
import tyro

from gptlib.bpe import build_tokenizer
from gptlib.data import Corpus, load_corpus
from gptlib.distributed import joined, rank
from gptlib.evaluation import evaluate, sliding_loss
from gptlib.handler import ModelHandler
from gptlib.model import GPTConfig, count_parameters
from gptlib.modern import build_config, build_model
from gptlib.sweep import sweep
from gptlib.training import TrainConfig, pick_device

Folder = tyro.conf.Positional[Path]


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
    "dtype": …} instead of options; "class": "ModernGPT" in "model" for that one."""
    corpus: str = "tinyshakespeare"
    """A corpus of gptlib, or a text file of yours."""
    model: GPTConfig = field(default_factory=GPTConfig)
    """vocab_size is taken from the corpus."""
    training: TrainConfig = field(default_factory=TrainConfig)
    dtype: Literal["float32", "float16"] = "float32"
    """How the finished model is stored; float16 takes half the space."""

    tokenizer: dict[str, str | int] = field(default_factory=dict)
    """type char, bpe (with vocab_size) or gpt2."""

    def run(self) -> None:
        with joined():
            self._run()

    def _run(self) -> None:
        shape = self.model
        if self.recipe is not None:
            stored = json.loads(self.recipe.read_text(encoding="utf-8"))
            self.corpus = stored["corpus"]
            shape = build_config(stored["model"])
            self.training = TrainConfig(**stored["training"])
            self.dtype = stored.get("dtype", self.dtype)
            self.tokenizer = stored.get("tokenizer", {})
        handler = ModelHandler(self.folder)
        corpus = load_corpus(self.corpus)
        try:
            handler = self._train(handler, corpus, shape)
        except KeyboardInterrupt:
            step = handler.history[-1].step if handler.history else 0
            sys.exit(f"stopped at step {step}; the same command goes on from there")
        if rank() > 0:
            return  # the first process measures and writes
        minutes = handler.history[-1].seconds / 60
        handler.save(dtype=self.dtype).load()  # what is measured is what is stored
        result = evaluate(handler.model, corpus.encode(handler.tokenizer).val)
        print(f"trained for {minutes:.1f} minutes; whole validation split: {result}")
        sample = handler.generate("\n", 2500, temperature=0.8, seed=1)
        (self.folder / "sample.txt").write_text(sample.lstrip("\n"), encoding="utf-8")

    def _train(self, handler: ModelHandler, corpus: Corpus, shape) -> ModelHandler:
        if (self.folder / "trainer.safetensors").is_file():
            print(f"going on with the training in {self.folder}")
            handler.load().model.to(pick_device())
            handler.train(data=corpus)
            return handler
        # Pieces are found in the training text; characters must all be known.
        whole = self.tokenizer.get("type", "char") == "char"
        text = corpus.text if whole else corpus.train
        tokenizer = build_tokenizer(self.tokenizer, text)
        torch.manual_seed(self.training.seed)
        shape = replace(shape, vocab_size=tokenizer.vocab_size)
        data = corpus.encode(tokenizer)
        device = pick_device()
        if device.type == "cuda":
            self.training = replace(self.training, precision="bfloat16")
        model = build_model(shape, data.train).to(device)
        print(f"{model.config}: {count_parameters(model):,} parameters")
        handler.save(model, tokenizer)
        handler.train(data=data, config=self.training)
        return handler


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
    """int8 is faster for a model of many millions of parameters."""

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
        print(f"{loss:.4f} nats per token, windows sliding by {self.stride}")


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
