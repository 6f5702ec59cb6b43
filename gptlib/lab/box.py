"""What the playground and the chat box share: one text at a time, from a thread.

A cell that shows a box returns, and the kernel stays free while a model generates. The
views are in `static/`, one JavaScript module per box. Read next: `playground.py`.
"""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import anywidget
import traitlets
from torch import nn

from gptlib.errors import describe
from gptlib.files.interrupts import SECONDS_TO_STOP, in_background
from gptlib.streaming import stream_text
from gptlib.tokenizer import Tokenizer

STATIC = Path(__file__).parent / "static"
WIDGET = "application/vnd.jupyter.widget-view+json"
SECONDS_BETWEEN_DRAWINGS = 0.05  # each drawing is a message to the browser
ANOTHER_SEED = 1_000_003  # per character: far from the seeds that readers give
FONT = "font-family:var(--jp-code-font-family,monospace);font-size:13px"
PRE = f"{FONT};line-height:1.5;white-space:pre-wrap;word-break:normal"


def script(name: str) -> str:
    """The shared JavaScript and a box's own as one module: it cannot import a file."""
    return "\n".join(
        (STATIC / part).read_text(encoding="utf-8") for part in ("box.js", name)
    )


class UnreadableError(ValueError):
    """A text has characters that the model does not know; the message is a sentence."""


class Box(anywidget.AnyWidget):
    """A widget in which a model generates one text at a time, in a daemon thread.

    temperature: acts on the next token, also in the middle of a text. status: what is
    said to the reader; warning: whether it says that something went wrong.
    """

    _css = STATIC / "box.css"
    temperature = traitlets.Float(0.8, min=0.0).tag(sync=True)
    running = traitlets.Bool(False).tag(sync=True)
    status = traitlets.Unicode("").tag(sync=True)
    warning = traitlets.Bool(False).tag(sync=True)

    def __init__(self, **traits):
        # Before anything can be set: the browser's messages arrive in other threads.
        self._setting, self._beginning = threading.RLock(), threading.Lock()
        self._stopping, self._thread = threading.Event(), None
        self._error: Exception | None = None
        self._drawn_at = 0.0
        super().__init__(**traits)
        self.on_msg(lambda _, message, __: self._received(message))

    def stop(self) -> None:
        """End the text after the current token; wait until it has ended."""
        self._stopping.set()
        self.wait(SECONDS_TO_STOP)

    def wait(self, seconds: float | None = None) -> None:
        """Wait until the text is complete, at most so many seconds (None: no limit)."""
        end = None if seconds is None else time.monotonic() + seconds
        # In slices: an interrupt does not reach a thread that waits for another.
        while self._busy() and (end is None or time.monotonic() < end):
            self._thread.join(0.05)

    def set_state(self, sync_data):
        """What the browser sets; traitlets cannot be set by two threads at once."""
        with self._setting:
            super().set_state(sync_data)

    def _busy(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def _begin(self, job: Callable[[], None]) -> None:
        """Run job in a thread; an earlier one that still runs is ended first."""
        with self._beginning:
            self.stop()
            if self._busy():
                raise RuntimeError("the text before has not stopped yet: try again")
            self._stopping, self._error = threading.Event(), None
            self._show(running=True, status="Generating …", warning=False)
            stop = self._stopping.set
            self._thread = in_background(lambda: self._work(job), stop)

    def _work(self, job: Callable[[], None]) -> None:
        try:
            job()
        except BaseException as error:  # nothing else would show the reader an error
            said = str(error) if isinstance(error, UnreadableError) else describe(error)
            # A SystemExit would end whoever waits for the text.
            self._error = error if isinstance(error, Exception) else RuntimeError(said)
            self._show(status=said, warning=True)
        finally:
            self._show(running=False)

    def _continue(
        self, model: nn.Module, tokenizer: Tokenizer, prompt: str, length: int, seed
    ) -> Iterator[str]:
        """Yield the text after prompt until Stop or length, in tokens and characters.

        A setting that is moved meanwhile acts on the next token: the text so far
        becomes the prompt of another stream.
        """
        text, used, chunks = "", None, iter(())
        while len(text) < length and not self._stopping.is_set():
            if used != (used := self._settings()):
                chunks = stream_text(
                    model,
                    tokenizer,
                    prompt + text,
                    length - len(text),
                    # With the same seed each new stream would draw the same number.
                    seed=seed + ANOTHER_SEED * len(text),
                    **used,
                )
            chunk = next(chunks, "")[: length - len(text)]
            if not chunk:
                return
            text += chunk
            yield chunk

    def _settings(self) -> dict:
        return {"temperature": self.temperature}

    def _show(self, **traits) -> None:
        """Set traits at once; the browser gets them in one message."""
        with self._setting, self.hold_sync():
            for name, value in traits.items():
                setattr(self, name, value)

    def _due(self) -> bool:
        """Whether it is time for another drawing; if so, it counts as done."""
        now = time.monotonic()
        if now - self._drawn_at < SECONDS_BETWEEN_DRAWINGS:
            return False
        self._drawn_at = now
        return True

    def _ipython_display_(self) -> None:
        """Show the box, and below it the text for where no kernel runs.

        The box hides that text: see `box.css`. It is a second output because it comes
        only when the first text is complete, and the box shows that text as it grows.
        """
        from IPython.display import display

        view = self._repr_mimebundle_()[0][WIDGET]
        display({WIDGET: view, "text/plain": self._caption()}, raw=True)
        try:
            self._first_text()
        except KeyboardInterrupt:  # the reader has seen enough: no traceback
            self.stop()
        stored = self._stored()
        if stored:
            display({"text/plain": stored[0], "text/html": stored[1]}, raw=True)

    def _first_text(self) -> None:
        """What is generated when the box is shown; it returns when that is complete."""

    def _caption(self) -> str:
        """One line about the text below, for where no kernel runs."""
        raise NotImplementedError

    def _stored(self) -> tuple[str, str] | None:
        """The text as plain text and as HTML, for where no kernel runs."""
        raise NotImplementedError

    def _received(self, message: dict) -> None:
        """A message from the browser: {"do": what, ...}."""
        raise NotImplementedError


def unknown_characters(text: str, tokenizer: Tokenizer) -> list[str]:
    """The characters of text that a tokenizer has no token for, each once."""
    known = getattr(tokenizer, "chars", None)  # subword tokens know every character
    return [] if known is None else [c for c in dict.fromkeys(text) if c not in known]


def say_unknown(unknown: list[str], who: str, tokenizer: Tokenizer) -> str:
    """The same in words: “é” is not among the 65 characters that this model knows."""
    shown = [f"“{c if c.isprintable() else ascii(c)[1:-1]}”" for c in unknown]
    first = ", ".join(shown[:-1])
    are = f"{first} and {shown[-1]} are" if first else f"{shown[-1]} is"
    return f"{are} not among the {tokenizer.vocab_size} characters that {who}."
