"""Shannon's game, for 01_bigram: guess a text, character by character.

After C. E. Shannon, *Prediction and Entropy of Printed English* (1951). A guess is a
row of letters, each of which takes half of the probability that is left, so that it
states a distribution and its surprise can be put on the loss ladder.
"""

import html
import math
import statistics
from collections.abc import Callable

HINT = "type letters, likeliest first, and press Enter"
FALLBACK = "Shannon's game: run this cell in JupyterLab to play."
PAGE = "<pre style='white-space:pre-wrap;margin:0'>{}<b>{}</b>▁\n\n{}</pre>"


class ShannonGame:
    """Guess text[start : start + length] one character at a time.

    chance(letters, char) says which probability a guess gives to a character. Shown
    in a notebook it is a box to type into; `game.guess("eao")` does the same and
    prints. `losses` holds the surprises so far, in nats. Nothing is kept anywhere.
    Raises ValueError when the text is too short.
    """

    def __init__(
        self,
        text: str,
        start: int,
        chance: Callable[[str, str], float],
        *,
        length: int = 20,
        context: int = 130,
    ):
        if not 0 <= start <= len(text) - length or length < 2:
            raise ValueError(
                f"start={start}, length={length}: expected at least 2 characters "
                f"inside a text of {len(text):,}"
            )
        self.before = text[max(0, start - context) : start]
        self.wanted, self.chance = text[start : start + length], chance
        self.losses: list[float] = []
        self._view = None

    @property
    def loss(self) -> float:
        """Mean surprise so far, in nats per character."""
        return sum(self.losses) / len(self.losses) if self.losses else math.nan

    @property
    def stderr(self) -> float:
        """Standard error of `loss`: the spread over the root of their number."""
        n = len(self.losses)
        return statistics.stdev(self.losses) / math.sqrt(n) if n > 1 else math.nan

    @property
    def over(self) -> bool:
        return len(self.losses) == len(self.wanted)

    @property
    def revealed(self) -> str:
        """What has been guessed so far, as it really is."""
        return self.wanted[: len(self.losses)]

    def guess(self, letters: str = "") -> None:
        """Guess the next character and print what came; no letters: no idea."""
        print(self._guess(letters))

    def _guess(self, letters: str) -> str:
        if self.over:
            return f"over: {self.loss:.2f} ± {self.stderr:.2f} nats per character"
        letters = letters.replace("\\n", "\n")
        came = self.wanted[len(self.losses)]
        p = self.chance(letters, came)
        self.losses.append(-math.log(p))
        line = f"{came!r} came: p = {p:.3f}, {self.losses[-1]:.2f} nats"
        left = len(self.wanted) - len(self.losses)
        if left:
            return f"{line}; {left} to go: …{(self.before + self.revealed)[-30:]!r}"
        return f"{line}; {self._guess('')}"

    def play(self, guesser: Callable[[str], str]) -> "ShannonGame":
        """A new game of the same text, played by a function of what came before."""
        text, start = self.before + self.wanted, len(self.before)
        other = ShannonGame(text, start, self.chance, length=len(self.wanted))
        while not other.over:
            other._guess(guesser(other.before + other.revealed))
        return other

    def _repr_mimebundle_(self, **kwargs):
        bundle = self._box()._repr_mimebundle_(**kwargs)
        data = bundle[0] if isinstance(bundle, tuple) else bundle
        static = f"{FALLBACK}\n\n{self.before}▁"  # what a viewer without a kernel shows
        return data | {"text/plain": static}

    def _box(self):
        """The widget: the text, a box to type into, a button for no idea."""
        import ipywidgets as widgets

        if self._view is not None:
            return self._view
        page = widgets.HTML(self._page(HINT))
        # The tooltips are their accessible names.
        box = widgets.Text(placeholder=HINT, tooltip=HINT, continuous_update=False)
        button = widgets.Button(description="no idea", tooltip="guess without letters")

        def answer(letters):
            page.value = self._page(self._guess(letters))
            box.value = ""

        box.observe(lambda change: change.new and answer(change.new), "value")
        button.on_click(lambda _: answer(""))
        self._view = widgets.VBox([page, widgets.HBox([box, button])])
        return self._view

    def _page(self, line: str) -> str:
        return PAGE.format(*map(html.escape, (self.before, self.revealed, line)))
