"""How the outcome of a check is shown: as text, and in a notebook with colours.

Used by `core.py`. ✓ and ✗ are white on a coloured ground, so that they can be read
whatever the theme is; words and numbers keep the colours of the theme.
"""

import html
import re
import sys
import textwrap
from dataclasses import dataclass

VERDICTS = {"right": ("✓", "right."), "wrong": ("✗", "not yet.")}
INK, GROUNDS = "#ffffff", {"right": "#1a7f37", "wrong": "#c62828"}
MARK = (
    '<span role="img" aria-label="{verdict}" style="background:{ground};color:{ink};'
    'border-radius:3px;padding:0 .35em;font-weight:bold">{sign}</span>'
)
PRE = '<pre style="margin:.4em 0 0 1.5em;overflow-x:auto;white-space:pre">{}</pre>'
CODE = re.compile(r"`([^`]+)`")


@dataclass(frozen=True)
class Outcome:
    """What a check found. verdict: "right", "wrong" or "open" (not answered yet).

    says: what there is to say; shown: lines of code and numbers below it, aligned;
    mistake: what was said about the known mistake, or "" for none.
    """

    exercise: str
    verdict: str
    says: str = ""
    shown: str = ""
    mistake: str = ""

    @property
    def message(self) -> str:
        """The outcome as text: one line for a right answer."""
        if self.verdict == "open":
            return f"{self.exercise}: not answered yet"
        sign, word = VERDICTS[self.verdict]
        text = f"{sign} {self.exercise}: {word} {self.says}"
        if self.verdict == "wrong":
            text = textwrap.fill(text, 79, break_on_hyphens=False)
        return "\n".join(filter(None, [text, self.shown]))

    @property
    def html(self) -> str:
        """The outcome for a notebook; not for an open one, which is text."""
        sign, word = VERDICTS[self.verdict]
        ground = GROUNDS[self.verdict]
        mark = MARK.format(verdict=self.verdict, ground=ground, ink=INK, sign=sign)
        says = CODE.sub(r"<code>\1</code>", html.escape(self.says))
        text = f"<div>{mark} <b>{self.exercise}</b>: {word} {says}</div>"
        shown = html.escape(textwrap.dedent(self.shown))
        return text + (PRE.format(shown) if shown else "")


def show(outcome: Outcome) -> None:
    """Display an outcome in a notebook, print it elsewhere; an open one is printed."""
    ipython = sys.modules.get("IPython")
    shell = ipython and ipython.get_ipython()
    if outcome.verdict == "open" or not hasattr(shell, "kernel"):
        print(outcome.message)
        return
    bundle = {"text/plain": outcome.message, "text/html": outcome.html}
    ipython.display.display(bundle, raw=True)


def first_lines(text: str) -> str:
    """The first lines of what an answer printed, for the end of a message."""
    lines = text.strip().splitlines()
    if not lines:
        return ""
    shown = "".join(f"\n    {line[:75]}" for line in lines[:4])
    return f"  your code printed:{shown}" + ("\n    …" if len(lines) > 4 else "")
