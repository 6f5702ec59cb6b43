"""A box to talk to a model in: what has been said is the prompt.

Shown in a notebook; without a front end `say(...)` does the same. The answer streams in
while a thread writes it, so that Stop works at any moment.
"""

import html
import threading

import ipywidgets as widgets
import torch

from gptlib.errors import require_int
from gptlib.generation import stream, whole_characters

PAGE = (
    "<pre style='white-space:pre-wrap;font-size:13px;line-height:1.35;margin:0;"
    "max-height:320px;overflow:auto'>{}</pre>"
)
FALLBACK = "A live box: run this cell in JupyterLab to talk to the model."


class ChatBox:
    """A transcript that the reader and a model write in turns, line by line.

    A line of the reader's that ends with `mark` is a question: the model writes the
    rest of it, up to the line's end. Any other line is only noted: an example, say.
    opening: what the transcript begins with; asked: how a question is put, with {} for
    the line; remember: whether the model reads earlier questions and answers, too;
    length: the most tokens of an answer.
    """

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
    ):
        require_int("length", length, 1)
        tokenizer.encode(opening + asked.format(mark))
        self.model, self.tokenizer = model, tokenizer
        self.opening, self.mark, self.length = opening, mark, length
        self.asked, self.remember = asked, remember
        self.transcript = self.read = opening  # what is shown, what the model reads
        self._seed = 0
        self._stop, self._thread = threading.Event(), None
        placeholder = f"a line; one that ends with {mark} is a question"
        self.line = widgets.Text(placeholder=placeholder, continuous_update=False)
        self.temperature = widgets.FloatSlider(0.0, min=0.0, max=1.5, step=0.1)
        self.temperature.description = "temperature"
        self.temperature.style = {"description_width": "initial"}
        self.buttons = {
            name: widgets.Button(description=name, layout=widgets.Layout(width="auto"))
            for name in ("Send", "Stop", "Start anew")
        }
        for name, press in zip(
            self.buttons, (self.send, self.stop, self.start_anew), strict=True
        ):
            self.buttons[name].on_click(lambda _, press=press: press())
        self.page, self.note = widgets.HTML(), widgets.HTML()
        row = widgets.HBox([self.line, *self.buttons.values(), self.temperature])
        self.view = widgets.VBox([row, self.page, self.note])
        self._draw()

    def say(self, line: str) -> str:
        """Add a line; returns the model's answer, "" where none was asked for.

        Raises ValueError for a character the model does not know.
        """
        line, is_question = line.strip(), self._is_question(line)
        text = self.asked.format(line) if is_question else line
        self.tokenizer.encode(text)
        self.transcript += text
        answer = self._answer(self.read + text) if is_question else ""
        self.transcript += answer + "\n"
        if self.remember or not is_question:
            self.read += text + answer + "\n"
        self._draw()
        return answer

    def send(self) -> None:
        """What the button does: `say` the line, a question in a thread of its own."""
        if self._thread is not None and self._thread.is_alive():
            self.note.value = "Still writing: wait, or press Stop."
            return
        line, self.line.value = self.line.value, ""
        self._stop.clear()
        if not self._is_question(line):
            self._say(line)
            return
        self._thread = threading.Thread(target=self._say, args=(line,), daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the answer after the character that is being written."""
        self._stop.set()
        self.wait()

    def wait(self, seconds: float = 60.0) -> None:
        """Return when nothing is being written any more."""
        if self._thread is not None:
            self._thread.join(seconds)

    def start_anew(self) -> None:
        """Forget all that was said."""
        self.stop()
        self.transcript = self.read = self.opening
        self._draw()

    def _say(self, line: str) -> None:
        try:
            self.note.value = ""
            self.say(line)
        except Exception as error:  # who pressed a button has nobody else to tell
            self.note.value = html.escape(str(error))

    def _is_question(self, line: str) -> bool:
        return line.strip().endswith(self.mark)

    def _answer(self, prompt: str) -> str:
        answer = ""
        for piece in self._pieces(prompt):
            answer += piece.partition("\n")[0]
            self._draw(answer)
            if "\n" in piece or self._stop.is_set():
                break
        return answer

    def _pieces(self, prompt: str):
        self._seed += 1  # another answer to the same question, above temperature 0
        idx = torch.tensor([self.tokenizer.encode(prompt)])
        tokens = stream(
            self.model,
            idx.to(next(self.model.parameters()).device),
            self.length,
            temperature=self.temperature.value,
            seed=self._seed,
        )
        return whole_characters(tokens, self.tokenizer.decode)

    def _draw(self, answer: str = "") -> None:
        said = html.escape(self.transcript.strip("\n"))
        self.page.value = PAGE.format(f"{said}<b>{html.escape(answer)}</b>")

    def _repr_mimebundle_(self, **kwargs):
        bundle = self.view._repr_mimebundle_(**kwargs)
        data = bundle[0] if isinstance(bundle, tuple) else bundle
        return data | {"text/plain": FALLBACK}  # what a static viewer shows
