"""Arguments that several commands share."""

from pathlib import Path
from typing import Annotated

import tyro


def positional(metavar: str, help: str):
    """A path that is given without an option's name."""
    return Annotated[
        tyro.conf.Positional[Path], tyro.conf.arg(metavar=metavar, help=help)
    ]


Folder = positional("FOLDER", "The model's folder.")
