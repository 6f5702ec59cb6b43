"""A box to type a prompt into: several models continue it side by side.

Shown in a notebook, its first text with it; without a front end `write()` does what the
button does. Its view is `static/playground.js`. Read next: `chat.py`.
"""

import html

import traitlets

from gptlib.errors import require_int, require_number
from gptlib.lab.box import PRE, Box, say_unknown, script, unknown_characters

ALL = "all"
TOP_K = [1, 2, 3, 5, 10, 20, 50, ALL]
COLUMN = (
    '<div style="flex:1 1 260px;min-width:0"><b>{}</b>'
    f'<pre style="{PRE}"><b>{{}}</b>{{}}</pre></div>'
)


class Playground(Box):
    """A prompt, sliders and a button; one column per model, all generating at once.

    models: name -> (model, tokenizer) or a loaded ModelHandler, or one of these alone.
    length: the most tokens and the most characters of each text. all_sliders adds top_k
    and top_p to the temperature. seed: of the first text, which is generated when the
    box is shown; every further text has the next seed.
    `write()` does what the button does, waits, and returns the texts by name.
    Raises ValueError for no models or a wrong setting.
    """

    _esm = script("playground.js")
    prompt = traitlets.Unicode().tag(sync=True)
    top_k = traitlets.Enum(TOP_K, ALL).tag(sync=True)
    top_p = traitlets.Float(1.0, min=0.05, max=1.0).tag(sync=True)
    # What the browser only reads.
    names = traitlets.List().tag(sync=True)
    continued = traitlets.Unicode().tag(sync=True)  # the prompt of the texts
    texts = traitlets.Dict().tag(sync=True)
    all_sliders = traitlets.Bool().tag(sync=True)
    top_k_choices = traitlets.List(TOP_K).tag(sync=True)

    def __init__(
        self,
        models,
        *,
        prompt: str = "ROMEO:",
        length: int = 300,
        all_sliders: bool = False,
        temperature: float = 0.8,
        seed: int = 1,
    ):
        if not isinstance(models, dict):
            models = {"model": models}
        if not models:
            raise ValueError("models: expected at least one name: (model, tokenizer)")
        self.models = {name: _pair(name, given) for name, given in models.items()}
        self.length = require_int("length", length, 1)
        self.seed = require_int("seed", seed, 0) - 1
        super().__init__(
            prompt=prompt,
            temperature=require_number("temperature", temperature, 0.0),
            names=list(models),
            texts=dict.fromkeys(models, ""),
            all_sliders=all_sliders,
        )

    def write(self) -> dict[str, str]:
        """Continue the prompt with every model; wait, and return the texts by name.

        A character that a model does not know is only shown; its text is "" then.
        Raises the error that ended the texts, if one did.
        """
        self.start()
        try:
            self.wait()
        except KeyboardInterrupt:
            self.stop()
            raise
        if self._error is not None:
            raise self._error
        return dict(self._written)

    def start(self) -> None:
        """What the button does: begin a new text and return at once."""
        prompt = self.prompt or "\n"
        self._begin(lambda: self._write(prompt))

    def _write(self, prompt: str) -> None:
        self._written = dict.fromkeys(self.models, "")
        unread = {
            name: unknown
            for name, (_, tokenizer) in self.models.items()
            if (unknown := unknown_characters(prompt, tokenizer))
        }
        names = [name for name in self.models if name not in unread]
        if names:  # or else the texts before stay
            self.seed += 1
            self._show(continued=prompt, texts=dict(self._written))
            self._write_all(prompt, names)
        said = self._say_unread(unread) if unread else self._say_done()
        self._show(status=said, warning=bool(unread))

    def _write_all(self, prompt: str, names: list[str]) -> None:
        """One token per model in turn, drawn as they come."""
        chunks = {
            name: self._continue(*self.models[name], prompt, self.length, self.seed)
            for name in names
        }
        try:
            while chunks:
                for name in list(chunks):
                    chunk = next(chunks[name], "")
                    self._written[name] += chunk
                    if not chunk:
                        del chunks[name]
                if self._due():
                    self._show(texts=dict(self._written))
        finally:
            self._show(texts=dict(self._written))

    def _settings(self) -> dict:
        return {
            "temperature": self.temperature,
            "top_k": None if self.top_k == ALL else self.top_k,
            "top_p": self.top_p if self.top_p < 1 else None,
        }

    def _say_done(self) -> str:
        count = max(map(len, self._written.values()))
        each = " each" if len(self.models) > 1 else ""
        stopped = "Stopped after " if self._stopping.is_set() else ""
        return f"{stopped}{count} characters{each}, seed {self.seed}."

    def _say_unread(self, unread: dict[str, list[str]]) -> str:
        """Once, not once per model; a model is named only if others can read it."""
        name, unknown = next(iter(unread.items()))
        if len(unread) < len(self.models):
            who = f"{name} knows"
        else:
            who = "the models know" if len(unread) > 1 else "the model knows"
        said = say_unknown(unknown, who, self.models[name][1])
        return f"{said} Change the prompt."

    def _received(self, message: dict) -> None:
        if message.get("do") == "stop":
            self._stopping.set()
        elif message.get("do") == "write":
            self.prompt = message["prompt"]
            self.start()

    def _first_text(self) -> None:
        if not any(self.texts.values()):
            self.start()
            self.wait()

    def _caption(self) -> str:
        return (
            f"Temperature {self.temperature:g}; {self.length} characters. "
            "Run this cell to type a prompt of your own."
        )

    def _stored(self) -> tuple[str, str] | None:
        texts = {name: text for name, text in self.texts.items() if text}
        if not texts:
            return None
        prompt, several = self.continued, len(self.models) > 1
        plain = "\n\n".join(
            (f"— {name} —\n" if several else "") + prompt + text
            for name, text in texts.items()
        )
        columns = "".join(
            COLUMN.format(*map(html.escape, (name, prompt, text)))
            for name, text in texts.items()
        )
        flex = "display:flex;flex-wrap:wrap;gap:0 32px"
        return plain, f'<div class="gpt-stored" style="{flex}">{columns}</div>'


def _pair(name: str, given) -> tuple:
    """(model, tokenizer) of what was given for a name."""
    if hasattr(given, "tokenizer"):  # a ModelHandler
        given = (given.model, given.tokenizer)
    if not isinstance(given, tuple) or len(given) != 2 or None in given:
        raise ValueError(
            f"models: expected (model, tokenizer) or a loaded ModelHandler for {name!r}"
        )
    return given
