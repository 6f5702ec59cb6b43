"""python -m gptlib export: a saved model in the form of Hugging Face, or as a page."""

from dataclasses import dataclass
from typing import Literal

from gptlib.commands.arguments import Folder, positional
from gptlib.handler import ModelHandler


@dataclass
class Export:
    """Write a saved model for others: for the Hugging Face libraries, or as a page."""

    folder: Folder
    to: positional("TO", "The folder to write; it is empty or an earlier export.")
    format: Literal["huggingface", "page"] = "huggingface"
    """A folder that their libraries load, or one HTML file that runs in a browser."""

    def run(self) -> None:
        handler = ModelHandler(self.folder).load()
        print(f"writing {self.to}", flush=True)
        print(f"written to {handler.export(self.to, self.format)}")
