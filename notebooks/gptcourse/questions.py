"""Questions about Shakespeare's plays, made by rule, and how many a model answers.

Three kinds can be answered from the excerpt that stands before them, so a play that no
model was trained on will do; the fourth asks what only training can tell. The test's
questions are about plays in no training text. Read next: `experiments/answering.py`.
"""

import random
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import accumulate, pairwise
from typing import NamedTuple

import torch
from jaxtyping import Bool
from torch import Tensor, nn

from gptlib.cache import run
from gptlib.data import IGNORED, Examples, load_corpus, shakespeare_plays

KINDS = ("speaker", "next", "line", "play")
NAMING = KINDS[:2]  # these are answered with a name that stands in the excerpt
DEV_PLAYS = ("hamlet", "twelfth-night")
# In no training text: the part of the first that is in val, and the whole second.
TEST_PLAYS = ("the-taming-of-the-shrew", "the-tempest")
TEMPEST_BEGINS = "Master:\nBoatswain!"
SHORTEST, LONGEST = 80, 160  # characters of an excerpt, at most
LONGEST_TEXT = 220
DISTINCTIVE = 25  # a line of so many characters rarely occurs twice by chance
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
        """What a model is given; the answer and a line break should follow."""
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
    each: int = 100, train_each: int = 120, every: bool = False
) -> QuestionSet:
    """The questions: the same at every call, on every machine.

    each: of every kind about each play of dev and test; train_each: about each play
    of train. every: where the answer is a name, an excerpt is asked about once for
    each name that can be one, see `ask_all`; train then has up to twice as many of
    these and half as many of the other kinds. A kind's plays are split, not its
    questions: dev asks about two plays, test about two others, whose lines are in no
    training text (`Corpus.train`) either. Only "which play" must ask about the plays
    of train: there train has the first eight tenths of each play, dev the ninth, test
    the last.
    """
    plays = dict(shakespeare_plays())
    val = load_corpus("tinyshakespeare").val
    plays[TEST_PLAYS[0]] = val[: val.index(TEMPEST_BEGINS)]
    parts = known_parts(plays)
    train, dev, test = [], [], []
    few = -(-len(DEV_PLAYS) * each // len(parts))
    for name, (first, ninth, last) in parts.items():
        for kind in KINDS:
            # Fewer of the kind that is barely learned, to leave room for the others.
            count = train_each // 3 if kind == "play" else train_each
            if every:
                count = count * 2 if kind in NAMING else count // 2
            train += ask(kind, name, first, count, every=every)
        dev += ask("play", name, ninth, few)
        test += ask("play", name, last, few)
    for kind in KINDS[:3]:
        for name in DEV_PLAYS:
            dev += ask(kind, name, plays[name], each, every=every)
        for name in TEST_PLAYS:
            test += ask(kind, name, plays[name], each, unseen=True, every=every)
    return QuestionSet(train, dev, test)


def known_parts(plays: Mapping[str, str]) -> dict[str, list[str]]:
    """The first eight tenths of a play's speeches, the ninth, and the last.

    By name, of each play that is in neither dev nor test as a whole.
    """
    parts = {}
    for name in (n for n in plays if n not in DEV_PLAYS + TEST_PLAYS):
        speeches = plays[name].strip().split("\n\n")
        ends = [len(speeches) * tenth // 10 for tenth in (0, 8, 9, 10)]
        parts[name] = ["\n\n".join(speeches[a:b]) for a, b in pairwise(ends)]
    return parts


def ask(
    kind: str,
    play: str,
    script: str,
    count: int,
    unseen: bool = False,
    every: bool = False,
) -> list[Question]:
    """About count questions of a kind about a play, in the order of its excerpts.

    unseen: only about excerpts of which no distinctive line is in the training text.
    every: all of `ask_all` about an excerpt instead of one question.
    """
    rng = random.Random(f"{kind} {play}")
    speeches = [speech.split("\n") for speech in script.strip().split("\n\n")]
    starts = list(range(len(speeches)))
    rng.shuffle(starts)
    make = ask_all if every and kind in NAMING else ask_one
    found = []
    for start in starts:
        if len(found) >= count:
            break
        lengths = (rng.randint(SHORTEST, LONGEST), LONGEST)
        tries = (make(kind, play, speeches[start:], n, rng) for n in lengths)
        questions = next(filter(None, tries), ())
        if not questions or max(len(one.text) for one in questions) > LONGEST_TEXT:
            continue
        lines = distinctive_lines(questions[0].excerpt)
        if not unseen or (lines and lines.isdisjoint(training_lines())):
            found += questions
    return found


def fitting(lines: Sequence[str], length: int) -> list[str]:
    """The first lines, as many as `length` characters hold."""
    ends = accumulate(len(line) + 1 for line in lines)
    return [line for line, end in zip(lines, ends, strict=True) if end <= length]


def excerpt_of(speeches: Sequence[list[str]], length: int) -> list[list[str]]:
    """The first speeches, as many whole lines as `length` characters hold."""
    taken = []
    for speech in speeches:
        lines = fitting(speech, length)
        if len(lines) > 1:
            taken.append(lines)
        if len(lines) < len(speech):
            break
        length -= sum(len(line) + 1 for line in speech) + 1
    return taken


def ask_one(
    kind: str, play: str, speeches: Sequence[list[str]], length: int, rng: random.Random
) -> list[Question]:
    """A question about the speeches that length characters hold, if there is one."""
    if kind == "play":
        taken = [fitting(speeches[0][1:], length)]  # without the speaker's name
        possible = [("Which play is this from?", title(play), "")]
    else:
        taken = excerpt_of(speeches, length)
        possible = MAKERS[kind](taken)
    text = joined(taken)
    if not possible or (kind == "play" and len(text) < SHORTEST):
        return []
    found = rng.choice(possible) if kind != "play" else possible[0]
    return [Question(kind, play, text, *found)] if found else []


def ask_all(
    kind: str, play: str, speeches: Sequence[list[str]], length: int, rng: random.Random
) -> list[Question]:
    """For each name that can be an answer a question with that answer: two at least.

    Whoever does not read the question is right about one of them at most.
    """
    taken = excerpt_of(speeches, length)
    by_answer = {}
    for possible in MAKERS[kind](taken):
        by_answer.setdefault(possible[1], []).append(possible)
    if len(by_answer) < 2:
        return []
    text = joined(taken)
    return [
        Question(kind, play, text, *rng.choice(same)) for same in by_answer.values()
    ]


def joined(speeches: Sequence[list[str]]) -> str:
    return "\n\n".join("\n".join(speech) for speech in speeches)


# Each of these gives the possible questions about an excerpt, each with its answer and
# its subject; None stands for one that turns out to be none.


def ask_speaker(taken: list[list[str]]) -> list[tuple]:
    """Who says a line of the excerpt, in which two people at least are talking."""
    text, names = joined(taken), {name for name, *_ in taken}
    if len(taken) < 3 or len(names) < 2:
        return []
    return [
        (f"Who says '{line}'?", name[:-1], line)
        for name, *said in taken
        for line in said
        if len(line) >= DISTINCTIVE and text.count(line) == 1
    ]


def ask_next(taken: list[list[str]]) -> list[tuple]:
    """Who speaks after somebody who speaks once, among three people at least."""
    names = [name[:-1] for name, *_ in taken]
    if len(set(names)) < 3:
        return []
    return [
        (f"Who speaks after {name}?", after, name)
        for name, after in pairwise(names)
        if names.count(name) == 1
    ]


def ask_line(taken: list[list[str]]) -> list[tuple | None]:
    """How a line of the excerpt continues that begins with some words."""
    lines = [line for _, *said in taken for line in said if len(line) >= DISTINCTIVE]
    return [cut_line(line, joined(taken)) for line in lines] if len(taken) > 1 else []


def cut_line(line: str, text: str) -> tuple | None:
    """The question for the rest of a line, None unless its beginning is clear."""
    cut = line.find(" ", 8)
    begins, rest = line[:cut], line[cut + 1 :]
    if not 8 <= cut < len(line) // 2 or text.count(begins) != 1:
        return None
    return f"How does '{begins}' go on?", rest, line


MAKERS = {"speaker": ask_speaker, "next": ask_next, "line": ask_line}


def title(play: str) -> str:
    """ "henry-vi-part-3" -> "Henry VI Part Three"."""
    words = re.sub("-s-", "'s-", play).split("-")
    roman = {word for word in words if set(word) <= set("iv")}
    return " ".join(
        NUMBERS.get(word) or (word.upper() if word in roman else word.capitalize())
        for word in words
    )


def distinctive_lines(text: str) -> set[str]:
    """The lines of a text that are too long to occur in another by chance."""
    return {line for line in text.splitlines() if len(line) >= DISTINCTIVE}


@lru_cache(maxsize=1)
def training_lines() -> set[str]:
    """The distinctive lines of all that this library's models were trained on."""
    return distinctive_lines(load_corpus("shakespeare-plays").train)


def by_kind(questions: Sequence[Question]) -> Iterator[tuple[str, list[Question]]]:
    """The questions of each kind that there are."""
    for kind in KINDS:
        of_kind = [one for one in questions if one.kind == kind]
        if of_kind:
            yield kind, of_kind


def offered(
    questions: Sequence[Question], each: int = 3
) -> dict[str, tuple[str, list[str]]]:
    """Some excerpts of each play, with their questions, as `ChatBox` offers them.

    A name of the offer is the play's title and the excerpt's first words. Who speaks
    next is asked for every name, and how one line goes on.
    """
    groups = {}
    for one in (o for o in questions if o.kind == "next"):
        groups.setdefault((one.play, one.excerpt), []).append(one.question)
    offers = {}
    for play in dict.fromkeys(play for play, _ in groups):
        for excerpt in [text for name, text in groups if name == play][:each]:
            speeches = [speech.split("\n") for speech in excerpt.split("\n\n")]
            lines = [cut[0] for cut in ask_line(speeches) if cut][:1]
            name = f"{title(play)}: {speeches[0][1][:30]} …"
            offers[name] = (excerpt + "\n", groups[play, excerpt] + lines)
    return offers


def to_examples(questions: Sequence[Question], tokenizer) -> Examples:
    """Questions as rows to learn from; only the answer's tokens are in the loss.

    (N, T) with T the longest text; a line break ends the answer and belongs to it;
    the padding after it has no targets.
    """
    rows, answers = [], []
    for one in questions:
        rows.append(torch.tensor(tokenizer.encode(one.text)))
        answers.append(len(tokenizer.encode(one.answer + "\n")))
    text = nn.utils.rnn.pad_sequence(rows, batch_first=True)  # (N, T + 1)
    positions = torch.arange(text.size(1))
    ends = torch.tensor([len(row) for row in rows])[:, None]  # (N, 1)
    begins = ends - torch.tensor(answers)[:, None]
    is_answer = (positions >= begins) & (positions < ends)  # (N, T + 1)
    return Examples.of_answers(text, is_answer)


@torch.inference_mode()
def exact(
    model: nn.Module,
    questions: Sequence[Question],
    tokenizer,
    shots: Sequence[Question] = (),
) -> Bool[Tensor, " N"]:
    """Which answers a model gives exactly, character for character, line break too.

    Decoding is greedy: the answer is the right one if and only if, after each part of
    the right one, the next token is the likeliest. So one forward pass over the whole
    text is enough, and nothing is generated. shots: questions with their answers, put
    before each. Raises ValueError where that is longer than the model's context.
    """
    before = "".join(shot.text + "\n" for shot in shots)
    asked = [replace(one, excerpt=before + one.excerpt) for one in questions]
    examples = to_examples(asked, tokenizer)
    device = next(model.parameters()).device
    right = []
    for start in range(0, len(questions), 16):
        idx = examples.idx[start : start + 16]  # (B, T)
        targets = examples.targets[start : start + 16]
        likeliest = run(model, idx.to(device)).argmax(dim=-1).cpu()  # (B, T)
        right.append(((likeliest == targets) | (targets == IGNORED)).all(dim=1))
    return torch.cat(right)
