"""Guess first, then measure: a click before a result is shown, a score after.

    guess = predict("the first loss of an untrained model", unit="nats")
    ...
    guess.reveal(4.34)

What answers the question stands under `with guess.covered():`, wherever it is first
shown. Who has guessed sees it at once; for everybody else, and in the stored notebook,
it is folded and opens with a click. Without a guess nothing else is printed.

Without widgets a guess is a plain call: `guess(4.2)`, or `predict(..., answer=4.2)`.
Guesses and scores live in the kernel and are stored nowhere.
"""

import html
import itertools
import math
import sys
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from gptcourse.folding import fold
from gptlib.errors import require_number

WIDGET = "application/vnd.jupyter.widget-view+json"
CLOSE = 0.1  # a number counts as right within a tenth of what was measured
FLAT = "<span style='font-size:13px;color:#555'>{}</span>"
MAY_CHANGE = "You may change it until you run the cell that reveals it."

# question -> whether the guess was right; for "so far" in `reveal`.
_scores: dict[str, bool] = {}


def predict(
    question: str,
    *,
    unit: str = "",
    choices: Sequence[str] | None = None,
    order: Sequence[str] | None = None,
    between: tuple[float, float] | None = None,
    within: float | None = None,
    factor: float | None = None,
    answer: Any = None,
) -> "Prediction":
    """Ask the reader for a guess; returns the `Prediction` to reveal later.

    A number in unit is asked for, typed or, with between=(low, high), on a slider; or
    one of choices; or order: these names, the lowest first. A number is right within
    `within` units or a `factor`, else within a tenth; names count as level within
    `within`. answer: the guess itself, where nobody can click.
    Raises ValueError for a question that cannot be asked or an answer that cannot be.
    """
    if choices is not None and order is not None:
        raise ValueError("choices and order are two kinds of question: expected one")
    if choices is not None:
        asked = _Choice(_names(choices))
    elif order is not None:
        asked = _Order(_names(order), within or 0.0)
    else:
        asked = _Number(unit, between, within, factor)
    prediction = Prediction(question, asked)
    if answer is not None:
        prediction(answer)
    prediction.show()
    return prediction


class Prediction:
    """One question. Call it with a guess, or let the reader click; then `reveal`."""

    def __init__(self, question: str, asked):
        self.question, self.asked = question.rstrip("?"), asked
        self.guess, self.revealed = None, False
        self._view = self._note = None

    def __repr__(self) -> str:
        return textwrap.fill(
            f"Prediction: {self.question}? {self.asked.hint} With live widgets you "
            "answer by a click, without them by calling it: guess(...).",
            79,
        )

    def __call__(self, answer: Any) -> None:
        """Note a guess; the last one before `reveal` counts.

        Raises ValueError when it is no answer to the question.
        """
        if self.revealed:
            self._say("Already revealed: run the question's cell again to guess anew.")
            return
        self.guess = self.asked.read(answer)
        said = html.escape(self.asked.write(self.guess))
        self._say(f"Your guess: <b>{said}</b>. {MAY_CHANGE}")

    @contextmanager
    def covered(self, what: str = "What came out") -> Iterator[None]:
        """Fold whatever is shown inside, until there is a guess.

        what: the line to click. An error ends the fold and goes on as usual.
        """
        if self.guess is not None or sys.modules.get("IPython") is None:
            yield
            return
        with fold(f"{what} (you have not guessed yet)"):
            yield

    def recall(self) -> None:
        """Print the question and the guess, above results that answer it.

        JupyterLab shows the first line of a hidden output: let it be this one.
        """
        guess = "no guess" if self.guess is None else self.asked.write(self.guess)
        # The two words stay on one line: what stands before them is the question.
        text = textwrap.fill(f"{self.question}? Your\u00a0guess: {guess}.", 79)
        print(text.replace("\u00a0", " "))

    def reveal(self, measured: Any) -> None:
        """Print how good the guess was, if there was one, beside what was measured.

        measured: a number; one of the choices; or the names in order, or name ->
        number. Raises ValueError when it answers another question.
        """
        try:
            measured = self.asked.measured(measured)
        except (TypeError, ValueError) as error:
            raise ValueError(
                f"{error}. The question is {self.question!r}: if another one is meant, "
                "run the cell that asks it again"
            ) from None
        self.revealed = True
        if self.guess is None:
            self._say("Revealed.")
            return
        self.recall()
        print(f"Measured: {self.asked.write_measured(measured)}.")
        right, remark = self.asked.judge(self.guess, measured)
        _scores[self.question] = right
        print(f"{remark} Right so far: {sum(_scores.values())} of {len(_scores)}.")
        self._say("Right." if right else "Not this time.")

    def show(self) -> None:
        """Show the input in a notebook; elsewhere a line that says how to answer."""
        ipython = sys.modules.get("IPython")
        if ipython is None or ipython.get_ipython() is None:
            return
        view = self.widget()
        bundle = view._repr_mimebundle_()
        bundle = bundle[0] if isinstance(bundle, tuple) else bundle
        # The text is all that a viewer without a kernel has to show.
        bundle = {"text/plain": repr(self), WIDGET: bundle[WIDGET]}
        ipython.display.display(bundle, raw=True)

    def widget(self):
        """The input as an ipywidgets box."""
        import ipywidgets as widgets

        if self._view is None:
            head = widgets.HTML(
                f"<b>Your prediction:</b> {html.escape(self.question)}?"
            )
            self._note = widgets.HTML(FLAT.format(html.escape(self.asked.hint)))
            row = self.asked.controls(widgets, self._clicked)
            self._view = widgets.VBox([head, row, self._note])
        return self._view

    def _clicked(self, answer: Any) -> None:
        try:
            self(answer)
        except ValueError as error:
            self._say(html.escape(str(error)))

    def _say(self, text: str) -> None:
        if self._note is not None:
            self._note.value = FLAT.format(text)


class _Number:
    """How to ask for a number, read it, write it, and judge it."""

    def __init__(self, unit: str, between, within, factor):
        self.unit = f" {unit}" if unit else ""
        self.between, self.within, self.factor = between, within, factor
        self.hint = f"A number{f' of {unit}' if unit else ''}."

    def controls(self, widgets, clicked):
        if self.between:
            low, high = self.between
            slider = widgets.FloatSlider(
                (low + high) / 2, min=low, max=high, step=(high - low) / 100
            )
            slider.observe(lambda change: clicked(change["new"]), "value")
            return slider
        box = widgets.Text(placeholder="a number, then Enter", continuous_update=False)
        box.observe(
            lambda change: change["new"].strip() and clicked(change["new"]), "value"
        )
        return box

    def read(self, answer) -> float:
        text = str(answer).replace(",", ".").strip().removesuffix(self.unit).strip()
        try:
            return require_number("guess", text and float(text), -math.inf)
        except (TypeError, ValueError):
            raise ValueError(f"{answer!r} is not a number: expected one") from None

    def write(self, guess: float) -> str:
        return f"{guess:.4g}{self.unit}"

    def measured(self, value) -> float:
        return require_number("measured", value, -math.inf)

    write_measured = write

    def judge(self, guess: float, value: float) -> tuple[bool, str]:
        if self.factor is not None:
            right = guess * value > 0 and abs(math.log(guess / value)) <= math.log(
                self.factor
            )
            limit = f"a factor of {self.factor:g}"
        else:
            allowed = abs(value) * CLOSE if self.within is None else self.within
            right = abs(guess - value) <= allowed * (1 + 1e-9)
            limit = f"{allowed:.2g}{self.unit}"
        off = f"Off by {abs(guess - value):.2g}{self.unit}: "
        return right, off + f"{'right' if right else 'not'} within {limit}."


class _Choice:
    """How to ask for one of several answers."""

    def __init__(self, names: list[str]):
        self.names = names
        self.hint = f"One of: {' · '.join(names)}."

    def controls(self, widgets, clicked):
        buttons = widgets.ToggleButtons(options=self.names, value=None)
        buttons.style.button_width = "auto"
        buttons.observe(
            lambda change: change["new"] and clicked(change["new"]), "value"
        )
        return buttons

    def read(self, answer) -> str:
        return self._one("guess", answer)

    def measured(self, value) -> str:
        return self._one("measured", value)

    def _one(self, name: str, value) -> str:
        if value not in self.names:
            raise ValueError(f"{name}={value!r}: expected one of {self.names}")
        return value

    def write(self, guess: str) -> str:
        return guess

    write_measured = write

    def judge(self, guess: str, value: str) -> tuple[bool, str]:
        return guess == value, "Right." if guess == value else "Not this time."


class _Order:
    """How to ask for an order, the lowest first: one click per name."""

    def __init__(self, names: list[str], level: float):
        self.names, self.level = names, level
        self.hint = f"Click them in order, the lowest first: {' · '.join(names)}."

    def controls(self, widgets, clicked):
        chosen = []
        auto = widgets.Layout(width="auto")
        buttons = {n: widgets.Button(description=n, layout=auto) for n in self.names}
        again = widgets.Button(description="again", layout=auto, icon="undo")

        def draw():
            for name, button in buttons.items():
                place = chosen.index(name) + 1 if name in chosen else None
                button.disabled = place is not None
                button.description = f"{place} · {name}" if place else name

        def press(name):
            chosen.append(name)
            left = [n for n in self.names if n not in chosen]
            chosen.extend(left if len(left) == 1 else [])
            draw()
            if len(chosen) == len(self.names):
                clicked(list(chosen))

        def clear(_):
            chosen.clear()
            draw()

        for name, button in buttons.items():
            button.on_click(lambda _, name=name: press(name))
        again.on_click(clear)
        return widgets.HBox([*buttons.values(), again])

    def read(self, answer) -> list[str]:
        if isinstance(answer, str) or sorted(answer) != sorted(self.names):
            raise ValueError(f"guess={answer!r}: expected {self.names} in your order")
        return list(answer)

    def measured(self, value) -> dict[str, float]:
        if not isinstance(value, Mapping):
            value = {name: float(place) for place, name in enumerate(value)}
        if sorted(value) != sorted(self.names):
            raise ValueError(f"measured={value!r}: expected numbers for {self.names}")
        numbers = {n: require_number(n, v, -math.inf) for n, v in value.items()}
        return dict(sorted(numbers.items(), key=lambda item: item[1]))

    def write(self, guess: list[str]) -> str:
        return " < ".join(guess)

    def write_measured(self, value: dict[str, float]) -> str:
        text = next(iter(value))
        for (_, low), (name, high) in itertools.pairwise(value.items()):
            text += f" {'<' if high - low > self.level else '≈'} {name}"
        return text

    def judge(self, guess: list[str], value: dict[str, float]) -> tuple[bool, str]:
        pairs = list(itertools.combinations(guess, 2))
        right = sum(value[a] <= value[b] + self.level for a, b in pairs)
        return right == len(pairs), f"{right} of {len(pairs)} pairs are in this order."


def _names(names: Sequence[str]) -> list[str]:
    names = list(names)
    if len(names) < 2 or len(set(names)) < len(names):
        raise ValueError(f"{names}: expected two or more different answers")
    return names
