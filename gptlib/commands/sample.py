"""python -m gptlib sample: a saved model continues a prompt."""

from dataclasses import dataclass
from typing import Literal

from gptlib.commands.arguments import Folder
from gptlib.handler import ModelHandler


@dataclass
class Sample:
    """Let a saved model continue a prompt; Ctrl-C ends it."""

    folder: Folder
    # The text to continue, by default a line end; unknown characters are refused.
    prompt: str | None = None
    # How many tokens to add, at least 0.
    max_new_tokens: int = 500
    # 0 always takes the most likely token, 1 keeps the model's probabilities, higher
    # values give more varied text.
    temperature: float = 0.8
    # Only the k most likely tokens, at least 1.
    top_k: int | None = None
    # Only the most likely tokens that together have this probability, from 0 to 1.
    top_p: float | None = None
    # Only tokens at least this many times as likely as the likeliest, from 0 to 1.
    min_p: float | None = None
    # The same seed gives the same text.
    seed: int | None = None
    # The text ends before the first of these.
    stop: tuple[str, ...] = ()
    # Take texts like <|endoftext|> in the prompt for special tokens.
    special: bool = False
    # int8 is faster for a GPT of many millions of parameters.
    weights: Literal["float32", "int8"] = "float32"

    def run(self) -> None:
        handler = ModelHandler(self.folder).load()
        prompt = handler.beginning() if self.prompt is None else self.prompt
        pieces = handler.stream(
            prompt,
            self.max_new_tokens,
            temperature=self.temperature,
            top_k=self.top_k,
            top_p=self.top_p,
            min_p=self.min_p,
            seed=self.seed,
            stop=self.stop,
            special=self.special,
            weights=self.weights,
        )
        first = next(pieces, "")  # wrong arguments are refused before any output
        print(prompt + first, end="", flush=True)
        for piece in pieces:
            print(piece, end="", flush=True)
        print()
