"""A box to talk to a model in: the transcript so far is the prompt.

Shown in a notebook; without a front end `say(...)` does the same. A thread generates
the answer, so that Stop works at any moment. Read next: `training_lab.py`.
"""

import html
import threading

import ipywidgets as widgets

from gptlib.errors import require_int
from gptlib.generation import stream_text
from gptlib.lab.view import View, preformatted


class ChatBox(View):
    """A transcript that the reader and a model write in turns, line by line.

    A line that ends with `mark` is a question: the model continues it up to the end of
    the line. Any other line, such as an example, is only added to the transcript.
    opening: what the transcript begins with. asked: the form of a question, with {} for
    the line. remember: whether earlier questions and answers stay in the prompt.
    length: the most tokens of an answer.
    """

    fallback = "A live box: run this cell in JupyterLab to talk to the model."

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
        self.transcript = self.context = opening  # what is shown, what is prompted
        self._seed = 0
        self._stop, self._thread = threading.Event(), None
        placeholder = f"a line; one that ends with {mark} is a question"
        self.line = widgets.Text(placeholder=placeholder, continuous_update=False)
        self.temperature = widgets.FloatSlider(
            0.0,
            min=0.0,
            max=1.5,
            step=0.1,
            description="temperature",
            style={"description_width": "initial"},
        )
        actions = {"Send": self.send, "Stop": self.stop, "Start anew": self.start_anew}
        auto = widgets.Layout(width="auto")
        self.buttons = {
            name: widgets.Button(description=name, layout=auto) for name in actions
        }
        for name, action in actions.items():
            self.buttons[name].on_click(lambda _, action=action: action())
        self.page, self.note = widgets.HTML(), widgets.HTML()
        row = widgets.HBox([self.line, *self.buttons.values(), self.temperature])
        self.view = widgets.VBox([row, self.page, self.note])
        self._draw()

    def say(self, line: str) -> str:
        """Add a line; return the model's answer, "" if the line is no question.

        Raises ValueError for a character that the tokenizer does not know.
        """
        line, is_question = line.strip(), self._is_question(line)
        text = self.asked.format(line) if is_question else line
        self.tokenizer.encode(text)
        self.transcript += text
        answer = self._answer(self.context + text) if is_question else ""
        self.transcript += answer + "\n"
        if self.remember or not is_question:
            self.context += text + answer + "\n"
        self._draw()
        return answer

    def send(self) -> None:
        """`say` the typed line, as the button does; answer a question in a thread."""
        if self._thread is not None and self._thread.is_alive():
            self.note.value = "Still generating: wait, or press Stop."
            return
        line, self.line.value = self.line.value, ""
        self._stop.clear()
        if not self._is_question(line):
            self._say(line)
            return
        self._thread = threading.Thread(target=self._say, args=(line,), daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the answer after the current character."""
        self._stop.set()
        self.wait()

    def wait(self, seconds: float = 60.0) -> None:
        """Wait until the answer is complete, for at most so many seconds."""
        if self._thread is not None:
            self._thread.join(seconds)

    def start_anew(self) -> None:
        """Go back to the opening."""
        self.stop()
        self.transcript = self.context = self.opening
        self._draw()

    def _say(self, line: str) -> None:
        try:
            self.note.value = ""
            self.say(line)
        except Exception as error:  # nothing else would show the reader an error
            self.note.value = html.escape(str(error))

    def _is_question(self, line: str) -> bool:
        return line.strip().endswith(self.mark)

    def _answer(self, prompt: str) -> str:
        self._seed += 1  # another answer to the same question, above temperature 0
        answer = ""
        for text in stream_text(
            self.model,
            self.tokenizer,
            prompt,
            self.length,
            temperature=self.temperature.value,
            seed=self._seed,
        ):
            answer += text.partition("\n")[0]
            self._draw(answer)
            if "\n" in text or self._stop.is_set():
                break
        return answer

    def _draw(self, answer: str = "") -> None:
        before = html.escape(self.transcript.strip("\n"))
        text = f"{before}<b>{html.escape(answer)}</b>"
        self.page.value = preformatted(text, ";max-height:320px;overflow:auto")
