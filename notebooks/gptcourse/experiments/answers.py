"""Questions about Shakespeare's plays, made by rule, and how many are answered.

Three kinds stand beside the excerpt that answers them, so that a play nobody has read
will do; the fourth asks what one must have read. The questions for the test are from
plays that no model of this library has trained on. Read next: `lora.py`, with which a
model that only continues text learns to answer.
"""

import random
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import torch
from jaxtyping import Bool, Int
from torch import Tensor, nn

from gptlib.cache import run
from gptlib.data import IGNORED, Examples, load_corpus, shakespeare_plays

KINDS = ("speaker", "next", "line", "play")
DEV_PLAYS = ("hamlet", "twelfth-night")
# Nobody has trained on these: the part of the one that is in val, and the other whole.
TEST_PLAYS = ("the-taming-of-the-shrew", "the-tempest")
TEMPEST_BEGINS = "Master:\nBoatswain!"
SHORTEST, LONGEST = 80, 160  # characters of an excerpt, at most
LONGEST_TEXT = 220
TELLING = 25  # a line of so many characters hardly stands anywhere by chance
NUMBERS = {"1": "One", "2": "Two", "3": "Three"}


@dataclass(frozen=True)
class Question:
    """An excerpt, a question about it, and the one answer that counts as right.

    kind: out of KINDS. play: where the excerpt is from. subject: the line or the
    speaker's name that is asked about, "" where it is the whole excerpt.
    """

    kind: str
    play: str
    excerpt: str
    question: str
    answer: str
    subject: str = ""

    @property
    def prompt(self) -> str:
        """What a model reads; the answer and a line break should follow."""
        return f"{self.excerpt}\n\nQ: {self.question}\nA: "

    @property
    def text(self) -> str:
        return f"{self.prompt}{self.answer}\n"


class QuestionSet(NamedTuple):
    """train to learn from, dev to choose settings with, test for the end."""

    train: list[Question]
    dev: list[Question]
    test: list[Question]


def load_questions(
    each: int = 100, train_each: int = 120, folder: str | Path | None = None
) -> QuestionSet:
    """The questions: the same at every call, on every machine.

    each: of every kind about each play of dev and test; train_each: about each play
    of train. A kind's plays are split, not its questions: dev asks about two plays,
    test about two others, whose lines are in no training text (`Corpus.train`) either.
    Only "which play" must ask about the plays of train: there train has the first
    eight tenths of each play, dev the ninth, test the last.
    """
    plays = dict(shakespeare_plays(folder))
    val = load_corpus("tinyshakespeare", folder=folder).val
    plays[TEST_PLAYS[0]] = val[: val.index(TEMPEST_BEGINS)]
    parts = known_parts(plays)
    train, dev, test = [], [], []
    few = -(-len(DEV_PLAYS) * each // len(parts))
    for name, (first, ninth, last) in parts.items():
        for kind in KINDS:
            # Few of what is hardly learned anyway, so that the others come oftener.
            count = train_each // 3 if kind == "play" else train_each
            train += ask(kind, name, first, count)
        dev += ask("play", name, ninth, few)
        test += ask("play", name, last, few)
    for kind in KINDS[:3]:
        for name in DEV_PLAYS:
            dev += ask(kind, name, plays[name], each)
        for name in TEST_PLAYS:
            test += ask(kind, name, plays[name], each, unread=True)
    return QuestionSet(train, dev, test)


def known_parts(plays: Mapping[str, str]) -> dict[str, tuple[str, str, str]]:
    """The tenths of each play that is in neither dev nor test as a whole."""
    outside = DEV_PLAYS + TEST_PLAYS
    return {name: tenths(plays[name]) for name in plays if name not in outside}


def tenths(script: str) -> tuple[str, str, str]:
    """The first eight tenths of a play's speeches, the ninth, and the last."""
    speeches = script.strip().split("\n\n")
    eight, nine = (len(speeches) * n // 10 for n in (8, 9))
    parts = speeches[:eight], speeches[eight:nine], speeches[nine:]
    first, ninth, last = ("\n\n".join(part) for part in parts)
    return first, ninth, last


def ask(
    kind: str, play: str, script: str, count: int, unread: bool = False
) -> list[Question]:
    """Up to count questions of a kind about a play, each about another place.

    unread: only about excerpts of which no telling line is in the training text.
    """
    rng = random.Random(f"{kind} {play}")
    speeches = [speech.split("\n") for speech in script.strip().split("\n\n")]
    places = list(range(len(speeches)))
    rng.shuffle(places)
    found = []
    for place in places:
        if len(found) == count:
            break
        rooms = (rng.randint(SHORTEST, LONGEST), LONGEST)
        made = (MAKERS[kind](play, speeches[place:], room, rng) for room in rooms)
        one = next((one for one in made if one is not None), None)
        if one is None or len(one.text) > LONGEST_TEXT:
            continue
        lines = telling_lines(one.excerpt)
        if not unread or (lines and lines.isdisjoint(read_lines())):
            found.append(one)
    return found


def excerpt_of(speeches: Sequence[list[str]], room: int) -> list[list[str]]:
    """The first speeches, as many whole lines as room characters hold."""
    taken = []
    for speech in speeches:
        fits = []
        for line in speech:
            room -= len(line) + 1
            if room < 0:
                break
            fits.append(line)
        if len(fits) > 1:
            taken.append(fits)
        if room < 0:
            break
        room -= 1
    return taken


def joined(speeches: list[list[str]]) -> str:
    return "\n\n".join("\n".join(speech) for speech in speeches)


def ask_speaker(
    play: str, speeches: Sequence[list[str]], room: int, rng
) -> Question | None:
    """Who says a line of the excerpt; two people at least are talking in it."""
    taken = excerpt_of(speeches, room)
    text = joined(taken)
    names = {name for name, *_ in taken}
    lines = [
        (name, line)
        for name, *said in taken
        for line in said
        if len(line) >= TELLING and text.count(line) == 1
    ]
    if len(taken) < 3 or len(names) < 2 or not lines:
        return None
    name, line = rng.choice(lines)
    question = f"Who says '{line}'?"
    return Question("speaker", play, text, question, name[:-1], line)


def ask_next(
    play: str, speeches: Sequence[list[str]], room: int, rng
) -> Question | None:
    """Who speaks after somebody who speaks once, among three people at least."""
    taken = excerpt_of(speeches, room)
    names = [name[:-1] for name, *_ in taken]
    once = [i for i, name in enumerate(names[:-1]) if names.count(name) == 1]
    if len(set(names)) < 3 or not once:
        return None
    at = rng.choice(once)
    question = f"Who speaks after {names[at]}?"
    return Question("next", play, joined(taken), question, names[at + 1], names[at])


def ask_line(
    play: str, speeches: Sequence[list[str]], room: int, rng
) -> Question | None:
    """How a line of the excerpt goes on that begins with some words."""
    taken = excerpt_of(speeches, room)
    text = joined(taken)
    lines = [line for _, *said in taken for line in said if len(line) >= TELLING]
    if len(taken) < 2 or not lines:
        return None
    line = rng.choice(lines)
    cut = line.find(" ", 8)
    begins, rest = line[:cut], line[cut + 1 :]
    if not 8 <= cut < len(line) // 2 or text.count(begins) != 1:
        return None
    question = f"How does '{begins}' go on?"
    return Question("line", play, text, question, rest, line)


def ask_play(
    play: str, speeches: Sequence[list[str]], room: int, rng
) -> Question | None:
    """Which play some lines of one speech are from; its speaker is not told."""
    said = []
    for line in speeches[0][1:]:
        room -= len(line) + 1
        if room < 0:
            break
        said.append(line)
    text = "\n".join(said)
    if len(text) < SHORTEST:
        return None
    return Question("play", play, text, "Which play is this from?", title(play))


MAKERS = {
    "speaker": ask_speaker,
    "next": ask_next,
    "line": ask_line,
    "play": ask_play,
}


def title(play: str) -> str:
    """ "henry-vi-part-3" -> "Henry VI Part Three"."""
    words = re.sub("-s-", "'s-", play).split("-")
    roman = {word for word in words if set(word) <= set("iv")}
    return " ".join(
        NUMBERS.get(word) or (word.upper() if word in roman else word.capitalize())
        for word in words
    )


def telling_lines(text: str) -> set[str]:
    """The lines of a text that are too long to stand in another by chance."""
    return {line for line in text.splitlines() if len(line) >= TELLING}


@lru_cache(maxsize=1)
def read_lines() -> set[str]:
    """Those of all that this library's models have trained on."""
    return telling_lines(load_corpus("shakespeare-plays").train)


def to_examples(questions: Sequence[Question], tokenizer) -> Examples:
    """Questions as rows to learn from; only the answer's tokens are in the loss.

    (N, T) with T the longest text; after the answer comes a line break, which is
    part of it, and then nothing that counts.
    """
    rows, answers = [], []
    for one in questions:
        rows.append(torch.tensor(tokenizer.encode(one.text)))
        answers.append(len(tokenizer.encode(one.answer + "\n")))
    text = nn.utils.rnn.pad_sequence(rows, batch_first=True)  # (N, T + 1)
    places = torch.arange(text.size(1))
    ends = torch.tensor([len(row) for row in rows])[:, None]  # (N, 1)
    begins = ends - torch.tensor(answers)[:, None]
    is_answer = (places >= begins) & (places < ends)  # (N, T + 1)
    return Examples.of_answers(text, is_answer)


@torch.inference_mode()
def exact(
    model: nn.Module,
    questions: Sequence[Question],
    tokenizer,
    shots: Sequence[Question] = (),
) -> Bool[Tensor, " N"]:
    """Which answers a model gives exactly, character for character, line break too.

    Greedily: the likeliest token each time. That answer is the right one if and only
    if after each part of the right one the next token is the likeliest; so one look
    at the whole text is enough, and nothing is generated. shots: questions put, with
    their answers, before each. Raises ValueError where that is too long for the model.
    """
    before = "".join(shot.text + "\n" for shot in shots)
    asked = [_behind(before, one) for one in questions]
    examples = to_examples(asked, tokenizer)
    if examples.idx.size(1) > model.block_size:
        raise ValueError(
            f"{len(shots)} examples and a question have {examples.idx.size(1)} tokens, "
            f"the model reads {model.block_size}: take fewer or shorter examples"
        )
    device = next(model.parameters()).device
    parts = zip(examples.idx.split(16), examples.targets.split(16), strict=True)
    return torch.cat([_hits(model, i.to(device), t.to(device)) for i, t in parts])


def _behind(before: str, one: Question) -> Question:
    excerpt = before + one.excerpt
    return Question(one.kind, one.play, excerpt, one.question, one.answer, one.subject)


def _hits(
    model: nn.Module, idx: Int[Tensor, "B T"], targets: Int[Tensor, "B T"]
) -> Bool[Tensor, " B"]:
    likeliest = run(model, idx).argmax(dim=-1)  # (B, T)
    return ((likeliest == targets) | (targets == IGNORED)).all(dim=1).cpu()


def by_kind(questions: Sequence[Question]) -> Iterator[tuple[str, list[Question]]]:
    """The questions of each kind that there are."""
    for kind in KINDS:
        of_kind = [one for one in questions if one.kind == kind]
        if of_kind:
            yield kind, of_kind
