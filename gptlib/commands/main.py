"""The library from the shell: python -m gptlib data | train | sample | ..."""

import argparse
import json
import sys
from dataclasses import asdict, dataclass
from functools import reduce
from operator import or_
from pathlib import Path
from typing import Annotated, ClassVar, Literal

import torch
import tyro
from tqdm import tqdm

from gptlib.bpe import BPETokenizer
from gptlib.commands.recipe import Folder, Train, a_path, progress, read_recipe
from gptlib.commands.sweep import sweep
from gptlib.corpora.shards import TOKENIZER, TokenCorpus, open_corpus
from gptlib.corpora.webtext import tokenize
from gptlib.evaluation import evaluate, sliding_loss
from gptlib.handler import ModelHandler
from gptlib.model import count_parameters
from gptlib.scale import leave
from gptlib.tokenizer import Tokenizer


@dataclass
class Data:
    """Fetch a corpus and check it; or, with --dataset, turn any text into tokens.

    The text is a folder of *.txt, *.jsonl, *.jsonl.gz or *.parquet files, or a dataset
    of Hugging Face, which is read through once and not kept. The tokens are ready for
    `train --corpus`. Interrupted, the same command does what is missing.
    """

    stopped: ClassVar[str] = "what is done is kept; the same command does the rest"

    # tinyshakespeare, shakespeare-plays, a text file of yours, or a folder of tokens,
    # whose checksums are verified.
    corpus: Annotated[tyro.conf.Positional[str], tyro.conf.arg(metavar="CORPUS")] = (
        "tinyshakespeare"
    )
    # A folder, or a name as HuggingFaceFW/fineweb.
    dataset: str | None = None
    # Where the tokens go; by default data/ and the last part of the dataset's name.
    to: Path | None = None
    # Which files of it, as "sample/10BT/*".
    files: str = "*"
    # The column, or the field of each line, that holds the text.
    column: str = "text"
    # Of the dataset, a branch or commit; by default the newest.
    revision: str | None = None
    # gpt2, or a folder or file with a tokenizer.json of gptlib.
    tokenizer: str = "gpt2"
    # How many work at a time, at least 1; by default one a core, and no more than 6,
    # which need less than 1 GB of memory together.
    processes: int | None = None

    def run(self) -> None:
        if self.dataset is None:
            corpus = open_corpus(self.corpus)
            if isinstance(corpus, TokenCorpus):
                corpus.shards.verify()
            print(corpus)
            return
        to = self.to or Path("data") / Path(self.dataset).name.lower()
        made = tokenize(
            self.dataset,
            to,
            named_tokenizer(self.tokenizer),
            files=self.files,
            column=self.column,
            revision=self.revision,
            processes=self.processes,
        )
        before, everything = next(made)  # refuses what cannot be, before any bar
        units = {"unit": "B", "unit_scale": True}
        with tqdm(total=everything, initial=before, **units) as bar:
            for done, _ in made:
                bar.update(done - bar.n)
        print(f"{TokenCorpus(to)}\nnext: python -m gptlib train FOLDER --corpus {to}")


def named_tokenizer(name: str) -> Tokenizer:
    """GPT-2's, or the one in a folder or file."""
    path = Path(name)
    if name == "gpt2" and not path.exists():
        return BPETokenizer.gpt2()
    file = path / TOKENIZER if path.is_dir() else path
    if not file.is_file():
        raise ValueError(
            f"tokenizer={name!r}: expected gpt2, or a folder or file with the "
            f"{TOKENIZER} of a model of gptlib"
        )
    return Tokenizer.load(file)


@dataclass
class Sample:
    """Let a saved model continue a prompt; Ctrl-C ends it."""

    folder: Folder
    # What the text begins with; unknown characters are refused.
    prompt: str = "\n"
    # How many tokens to add, at least 0.
    max_new_tokens: int = 500
    # 0 always takes the likeliest token, 1 draws as the model says, more is wilder.
    temperature: float = 0.8
    # Only the k likeliest tokens, at least 1.
    top_k: int | None = None
    # Only the likeliest tokens that together have this probability, from 0 to 1.
    top_p: float | None = None
    # The same seed gives the same text.
    seed: int | None = None
    # int8 is faster for a GPT of many millions of parameters.
    weights: Literal["float32", "int8"] = "float32"

    def run(self) -> None:
        handler = ModelHandler(self.folder).load()
        pieces = handler.stream(
            self.prompt,
            self.max_new_tokens,
            temperature=self.temperature,
            top_k=self.top_k,
            top_p=self.top_p,
            seed=self.seed,
            weights=self.weights,
        )
        first = next(pieces, "")  # refuses what cannot be, before anything is printed
        print(self.prompt + first, end="", flush=True)
        for piece in pieces:
            print(piece, end="", flush=True)
        print()


@dataclass
class Evaluate:
    """Measure a saved model on a whole split, in nats and bits a character."""

    folder: Folder
    # tinyshakespeare, shakespeare-plays, a text file, or a folder of tokens.
    corpus: str = "tinyshakespeare"
    # val is for the end; dev is the end of train, for choosing settings by.
    split: Literal["val", "dev", "train"] = "val"
    # Let windows overlap, each this many tokens after the one before: from 1 to the
    # model's context. Lower losses, dearer, and not to be compared with the others.
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
                result = evaluate(handler.model, tokens, tokenizer=handler.tokenizer)
                print(result)
                return
            loss = sliding_loss(handler.model, tokens, self.stride)
        loss *= (len(tokens) - 1) / len(handler.tokenizer.decode(tokens[1:]))
        print(f"{loss:.4f} nats per character, windows sliding by {self.stride}")


@dataclass
class Export:
    """Write a saved GPT as the Hugging Face libraries read it."""

    folder: Folder
    to: a_path("TO", "The folder to write; empty, or an export already.")

    def run(self) -> None:
        handler = ModelHandler(self.folder).load()
        size = 4e-6 * count_parameters(handler.model)
        print(f"writing {size:,.1f} MB to {self.to}", flush=True)
        print(f"written to {handler.export(self.to)}")


@dataclass
class Sweep:
    """Run what is missing of a sweep; its tables stand beside the spec."""

    stopped: ClassVar[str] = (
        "the runs that ended are kept; the same command does the rest"
    )

    spec: a_path("SPEC", "A YAML file, as those of notebooks/records/sweeps.")
    # Runs at a time; they share the threads.
    jobs: int = 1

    def run(self) -> None:
        rows = sweep(self.spec, self.jobs)
        print(f"{len(rows)} runs in {self.spec.with_suffix('.csv')}")


@dataclass
class Bench:
    """Measure what things cost on this machine."""

    # One JSON object instead of a table.
    json: bool = False

    # Run the trainings that take minutes, too.
    train: bool = False

    def run(self) -> None:
        from gptlib.commands.bench import (  # draws: loads matplotlib
            figures,
            machine,
            table,
        )

        rows, here = figures(train=self.train), machine()
        if self.json:
            measured = [asdict(row) for row in rows]
            print(json.dumps({"machine": here, "figures": measured}))
            return
        print(", ".join(f"{name} {value}" for name, value in here.items()))
        print(table(rows))


COMMANDS = {
    "data": Data,
    "train": Train,
    "sample": Sample,
    "evaluate": Evaluate,
    "export": Export,
    "sweep": Sweep,
    "bench": Bench,
}


def main(arguments: list[str] | None = None) -> None:
    """Run one command; an error is one line on stderr and exit status 1."""
    arguments = sys.argv[1:] if arguments is None else arguments
    command = None
    try:
        command = parse(arguments)
        command.run()
    except torch.OutOfMemoryError:
        sys.exit(
            "gptlib: the GPU's memory is full; for training, a larger "
            "--training.accumulate needs less of it and learns the same"
        )
    except (OSError, ValueError, TypeError) as error:
        sys.exit(f"gptlib: {error}")
    except KeyboardInterrupt:
        sys.exit(f"\ngptlib: {getattr(command, 'stopped', 'stopped')}")
    leave()


def parse(arguments: list[str]):
    """The command that arguments name, checked; of a recipe, with its settings."""
    name, rest = arguments[:1], arguments[1:]
    if not name or name[0] not in COMMANDS:  # --help, or what there is
        kinds = [
            Annotated[kind, tyro.conf.subcommand(name)]
            for name, kind in COMMANDS.items()
        ]
        return tyro.cli(reduce(or_, kinds), prog="python -m gptlib", args=arguments)
    kind, default = COMMANDS[name[0]], None
    if kind is Train and (recipe := _recipe(rest)):
        default = Train.of(read_recipe(recipe), recipe, Path())
        kind, default.folder = type(default), tyro.MISSING
    prog = f"python -m gptlib {name[0]}"
    return tyro.cli(kind, prog=prog, args=rest, default=default)


def _recipe(arguments: list[str]) -> Path | None:
    """What --recipe says, before anything else is read."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--recipe", type=Path)
    return parser.parse_known_args(arguments)[0].recipe
