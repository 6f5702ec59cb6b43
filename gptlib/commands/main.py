"""The library from the shell: python -m gptlib data | train | sample | ...

Each command has a file of its own here. Read next: `train.py`.
"""

import argparse
import os
import signal
import sys
from functools import reduce
from operator import or_
from pathlib import Path
from typing import Annotated

import torch
import tyro

from gptlib.commands.bench import Bench
from gptlib.commands.data import Data
from gptlib.commands.evaluate import Evaluate
from gptlib.commands.export import Export
from gptlib.commands.record import Record
from gptlib.commands.sample import Sample
from gptlib.commands.sweep import Sweep
from gptlib.commands.train import Train
from gptlib.errors import describe, one_line
from gptlib.scale import leave

PROG = "python -m gptlib"
COMMANDS = {
    "data": Data,
    "train": Train,
    "sample": Sample,
    "evaluate": Evaluate,
    "export": Export,
    "record": Record,
    "sweep": Sweep,
    "bench": Bench,
}


def main(arguments: list[str] | None = None) -> None:
    """Run one command; an error is one line on stderr and exit status 1.

    With GPTLIB_TRACEBACK=1 an unexpected error is shown in full.
    """
    command = None
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for stream in (sys.stdout, sys.stderr):  # a code page may lack ± or Greek
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    try:
        command = parse(sys.argv[1:] if arguments is None else arguments)
        command.run()
        print(end="", flush=True)  # sys.stdout may be closed
    except BrokenPipeError:  # the reader, such as `head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except torch.OutOfMemoryError:
        sys.exit(
            "gptlib: the GPU's memory is full; a training needs less of it with a "
            "larger --training.accumulate, and learns the same"
        )
    except (OSError, ValueError, TypeError) as error:
        sys.exit(f"gptlib: {one_line(error)}")
    except KeyboardInterrupt as interrupt:
        says = str(interrupt) or getattr(command, "stopped", "stopped")
        sys.exit(f"\ngptlib: {says}")
    except Exception as error:
        if os.environ.get("GPTLIB_TRACEBACK"):
            raise
        says = "GPTLIB_TRACEBACK=1 shows where it happened"
        sys.exit(f"gptlib: {describe(error)} ({says})")
    leave()


def parse(arguments: list[str]):
    """The command that arguments name, checked; a recipe's settings are defaults."""
    name, rest = arguments[:1], arguments[1:]
    if not name or name[0] not in COMMANDS:  # --help, or an unknown command
        kinds = [
            Annotated[kind, tyro.conf.subcommand(name)]
            for name, kind in COMMANDS.items()
        ]
        return tyro.cli(reduce(or_, kinds), prog=PROG, args=arguments)
    kind, default = COMMANDS[name[0]], None
    if kind is Train and (recipe := find_recipe(rest)):
        default = Train.from_recipe(recipe)
    command = tyro.cli(kind, prog=f"{PROG} {name[0]}", args=rest, default=default)
    if kind is Train:
        options = (word.partition("=")[0] for word in rest if word[:2] == "--")
        names = (option[2:].replace("-", "_") for option in options)
        command.named += tuple(name.removeprefix("training.") for name in names)
    return command


def find_recipe(arguments: list[str]) -> Path | None:
    """The value of --recipe, before anything else is parsed."""
    parser = argparse.ArgumentParser(PROG, add_help=False, allow_abbrev=False)
    parser.add_argument("--recipe", type=Path)
    return parser.parse_known_args(arguments)[0].recipe
