"""python -m gptlib export: a saved GPT in the form of Hugging Face."""

from dataclasses import dataclass

from gptlib.commands.arguments import Folder, positional
from gptlib.handler import ModelHandler
from gptlib.model import count_parameters


@dataclass
class Export:
    """Write a saved GPT so that the Hugging Face libraries can read it."""

    folder: Folder
    to: positional("TO", "The folder to write; it is empty or an earlier export.")

    def run(self) -> None:
        handler = ModelHandler(self.folder).load()
        size = 4e-6 * count_parameters(handler.model)
        print(f"writing {size:,.1f} MB to {self.to}", flush=True)
        print(f"written to {handler.export(self.to)}")
