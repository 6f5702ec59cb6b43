"""Checks in the form before are tried on answers known to be wrong, and right ones.

`checks/<exercise>/wrong_*.py` holds an `answer` and `SAYS`, a piece of the message
meant for it; `right_*.py` an `answer`. They are found here; nothing is listed.
"""

import functools
import runpy
from pathlib import Path

import pytest

from gptcourse import checks
from gptcourse.checks.before.core import Exercise, untouched
from gptcourse.checks.before.values import Raised

FOLDER = Path(__file__).parent / "checks"
EXERCISES = {
    name: exercise
    for name, exercise in checks.EXERCISES.items()
    if isinstance(exercise, Exercise)
}
WRONG = sorted(FOLDER.glob("*/wrong_*.py"))
RIGHT = sorted(FOLDER.glob("*/right_*.py"))

for known in EXERCISES.values():
    known.seconds = 60.0  # no test may fail because the machine is busy

every_exercise = pytest.mark.parametrize("exercise", EXERCISES.values(), ids=EXERCISES)


def named(path):
    return f"{path.parent.name}/{path.stem}"


def load(path):
    """The exercise a file answers, and what the file defines."""
    return EXERCISES[path.parent.name], runpy.run_path(str(path))


@functools.cache
def judged(path):
    """The outcome of the answer in a file."""
    exercise, defined = load(path)
    return exercise.outcome(defined["answer"])


def flat(text):
    return " ".join(text.split())


# The known answers


@pytest.mark.parametrize("path", RIGHT, ids=named)
def test_right_answers_pass_with_one_line(path):
    outcome = judged(path)
    assert outcome.verdict == "right", outcome.message
    assert outcome.message.startswith(f"{path.parent.name}: right. ")
    assert "\n" not in outcome.message and len(outcome.message) <= 110


@pytest.mark.parametrize("path", WRONG, ids=named)
def test_wrong_answers_hear_what_is_meant_for_them(path):
    exercise, defined = load(path)
    outcome = judged(path)
    assert outcome.verdict == "wrong"
    says, message = flat(defined["SAYS"]), flat(outcome.message)
    assert says in message, outcome.message
    others = [m for m in exercise.mistakes if says not in flat(m.says)]
    assert [m.name for m in others if flat(m.says) in message] == []
    assert "Traceback" not in message
    assert exercise.outcome(defined["answer"]).message == outcome.message


@every_exercise
def test_our_own_answer_never_fails(exercise):
    """Else an answer that fails in the same way would pass for right."""
    for number in range(len(exercise.cases)):
        value = exercise._known(number, exercise.right)
        assert not isinstance(value, Raised), value


@every_exercise
def test_mistakes_are_told_apart(exercise):
    assert len({flat(m.says) for m in exercise.mistakes}) == len(exercise.mistakes)
    assert len({m.name for m in exercise.mistakes}) == len(exercise.mistakes)
    for mistake in exercise.mistakes:
        if mistake.when is None and not untouched(mistake.answer):
            outcome = exercise.outcome(mistake.answer)
            assert outcome.mistake == mistake.name, outcome.message


@every_exercise
def test_mistakes_without_an_answer_have_a_file(exercise):
    paths = (FOLDER / exercise.name).glob("wrong_*.py")
    rest = {m.name for m in exercise.mistakes if m.when is not None}
    if rest:
        assert rest <= {judged(path).mistake for path in paths}
