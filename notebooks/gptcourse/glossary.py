"""The glossary: `notebooks/glossary.md`, made from the notebooks' own definitions.

    python -m gptcourse.glossary

A term is defined where it first stands in bold, by the sentence around it. Otherwise
bold serves labels only, which end in a full stop or a colon. `00` only shows, and
defines nothing.
"""

import re
from pathlib import Path

import nbformat

from gptlib.files.fetch import project_folder

HEAD = """# Glossary

Every term of the series with the sentence that defines it, and the notebook in which it
first occurs. Made from the notebooks by `make glossary`.

"""
HIDDEN = re.compile(r"<details>.*?</details>", re.DOTALL)
PARAGRAPH_END = re.compile(r"\n\s*\n|\n(?=- |\d+\. |\|)")
TERM = re.compile(r"\*\*([^*]+)\*\*")
SENTENCE_END = re.compile(r"(?<=[.?!])\)?\s+(?=[A-Z*`$(“\"])")


def glossary_file() -> Path:
    """Where the glossary is kept."""
    return project_folder("notebooks") / "glossary.md"


def defining(folder: Path) -> list[Path]:
    """The notebooks that define terms, in order."""
    return sorted(folder.glob("[0-9]*.ipynb"))[1:]


def definitions(path: Path) -> dict[str, str]:
    """Term -> the sentence that defines it, in a notebook's order."""
    found = {}
    for cell in nbformat.read(path, as_version=4).cells[1:]:
        if cell.cell_type != "markdown":
            continue
        for paragraph in PARAGRAPH_END.split(HIDDEN.sub("", cell.source)):
            for sentence in SENTENCE_END.split(" ".join(paragraph.split())):
                for term in TERM.findall(sentence):
                    text = TERM.sub(r"\1", sentence).lstrip("- (").rstrip(";:") + "."
                    text = text[0].upper() + text[1:].replace("..", ".")
                    if term[-1] not in ".:?!":  # else it is a label
                        found.setdefault(term, text)
    return found


def write(folder: Path) -> str:
    """The glossary's text, from the notebooks of a folder."""
    entries = {}
    for path in defining(folder):
        for term, sentence in definitions(path).items():
            line = f"- **{term}** ([{path.stem[:2]}]({path.name})): {sentence}"
            entries.setdefault(term.lower(), line)
    return HEAD + "\n".join(entries[term] for term in sorted(entries)) + "\n"


if __name__ == "__main__":
    glossary_file().write_text(write(glossary_file().parent), encoding="utf-8")
