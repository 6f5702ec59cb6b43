"""A box to talk to a model in: the transcript so far is the prompt.

Shown in a notebook; without a front end `say(...)` does the same. Its view is
`static/chat.js`. Read next: `training_lab.py`.
"""

import html
from collections.abc import Mapping, Sequence

import traitlets

from gptlib.errors import require_int
from gptlib.lab.box import (
    PRE,
    Box,
    UnreadableError,
    say_unknown,
    script,
    unknown_characters,
)

STILL = "The model is still answering: wait, or press Stop."


class ChatBox(Box):
    """A transcript that the reader and a model write in turns, line by line.

    A line that ends with `mark` is a question: the model continues it up to the end of
    the line. Any other line, such as an example, is only added to the transcript.
    opening: what the transcript begins with. asked: the form of a question, with {} for
    the line. remember: whether earlier questions and answers stay in the prompt.
    length: the most tokens and characters of an answer. offers: openings by name, each
    with questions that a click asks; the first takes the place of `opening`.
    Raises ValueError for an opening or a form that the tokenizer does not know.
    """

    _esm = script("chat.js")
    # What the browser only reads. turns: [what was said, the answer] of each line.
    mark = traitlets.Unicode().tag(sync=True)
    opening = traitlets.Unicode().tag(sync=True)
    turns = traitlets.List().tag(sync=True)
    # [name, opening, its questions] of each, and which one is shown.
    offers = traitlets.List().tag(sync=True)
    chosen = traitlets.Int(0).tag(sync=True)

    def __init__(
        self,
        model,
        tokenizer,
        *,
        opening: str = "\n",
        mark: str = ">",
        asked: str = "{}",
        remember: bool = True,
        length: int = 40,
        offers: Mapping[str, tuple[str, Sequence[str]]] | None = None,
    ):
        self.length = require_int("length", length, 1)
        offered = [
            [name, text, [*asks]] for name, (text, asks) in (offers or {}).items()
        ]
        opening = offered[0][1] if offered else opening
        for text in [opening, *(text for _, text, _ in offered)]:
            tokenizer.encode(text + asked.format(mark))
        self.model, self.tokenizer = model, tokenizer
        self.asked, self.remember = asked, remember
        self.context = opening  # what is prompted; `transcript` is what is shown
        self._seed, self._answered = 0, ""
        shown = {"mark": mark, "opening": opening, "offers": offered}
        super().__init__(temperature=0.0, **shown)

    @property
    def transcript(self) -> str:
        """What is shown: the opening and all lines with their answers."""
        return self.opening + "".join(
            f"{said}{answer}\n" for said, answer in self.turns
        )

    def say(self, line: str) -> str:
        """Add a line; return the model's answer, "" if the line is no question.

        Raises ValueError for a character that the tokenizer does not know.
        """
        self.wait()
        self.submit(line)
        try:
            self.wait()
        except KeyboardInterrupt:
            self.stop()
            raise
        if self._error is not None:
            raise self._error
        return self._answered

    def submit(self, line: str) -> None:
        """What Enter does: add a line, begin its answer and return at once."""
        if self._busy():
            self._show(status=STILL)
            return
        self._begin(lambda: self._say(line.strip()))

    def start_anew(self) -> None:
        """Go back to the opening."""
        self.stop()
        self.context = self.opening
        self._show(turns=[], status="", warning=False)

    def choose(self, number: int) -> None:
        """Start anew with one of the `offers`, counted from 0."""
        self.stop()
        self._show(chosen=number, opening=self.offers[number][1])
        self.start_anew()

    def _say(self, line: str) -> None:
        is_question = line.endswith(self.mark)
        self._answered = ""
        text = self.asked.format(line) if is_question else line
        unknown = unknown_characters(text, self.tokenizer)
        if unknown:
            said = say_unknown(unknown, "the model knows", self.tokenizer)
            raise UnreadableError(f"{said} Change the line.")
        before = list(self.turns)
        answer = self._answer(before, text) if is_question else ""
        if self.remember or not is_question:
            self.context += text + answer + "\n"
        self._answered = answer
        self._show(turns=[*before, [text, answer]], status="")

    def _answer(self, before: list, text: str) -> str:
        self._seed += 1  # another answer to the same question, above temperature 0
        answer = ""
        prompt = self.context + text
        for chunk in self._continue(
            self.model, self.tokenizer, prompt, self.length, self._seed
        ):
            line, newline, _ = chunk.partition("\n")
            answer += line
            if newline:
                break
            if self._due():
                self._show(turns=[*before, [text, answer]])
        return answer

    def _received(self, message: dict) -> None:
        actions = {
            "stop": self._stopping.set,
            "send": lambda: self.submit(message["line"]),
            "start anew": self.start_anew,
            "choose": lambda: self.choose(message["number"]),
        }
        actions[message["do"]]()

    def _caption(self) -> str:
        return (
            "Run this cell to talk to the model: type a line; one that ends with "
            f"{self.mark} is a question."
        )

    def _stored(self) -> tuple[str, str] | None:
        plain = self.transcript.strip("\n")
        if not plain:
            return None
        turns = "".join(
            f"{html.escape(said)}<b>{html.escape(answer)}</b>\n"
            for said, answer in self.turns
        )
        page = (html.escape(self.opening) + turns).strip("\n")
        return plain, f'<pre class="gpt-stored" style="{PRE}">{page}</pre>'
