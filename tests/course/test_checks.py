"""Every check is tried on answers that are known to be wrong, and on right ones.

`checks/<exercise>/wrong_*.py` holds an `answer` and `SAYS`, a piece of the message
meant for it; `right_*.py` an `answer`. They are found here; nothing is listed.
"""

import ast
import functools
import math
import random
import re
import runpy
import sys
import threading
import time
from pathlib import Path

import nbformat
import numpy as np
import pytest
import torch
from torch import nn

from gptcourse import checks
from gptcourse.checks.core import Case, Exercise, Mistake, untouched
from gptcourse.checks.running import in_thread
from gptcourse.checks.values import Raised

ROOT = Path(__file__).parents[2]
FOLDER = Path(__file__).parent / "checks"
EXERCISES = checks.EXERCISES
WRONG = sorted(FOLDER.glob("*/wrong_*.py"))
RIGHT = sorted(FOLDER.glob("*/right_*.py"))
NOTEBOOKS = sorted((ROOT / "notebooks").glob("[0-9]*.ipynb"))
CHECKED = re.compile(r"(?m)^check\.(\w+)\((\w+)\)$")

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


def solutions(notebook):
    """The code of every solution that folds out, by the exercise checked after it."""
    cells = nbformat.read(notebook, as_version=4).cells
    found, code = {}, []
    for cell in cells:
        if cell.cell_type == "markdown":
            part = cell.source.partition("<summary>Solution</summary>")[2]
            code = re.findall(r"(?s)```python\n(.*?)```", part) or code
        for name, _ in CHECKED.findall(cell.source):
            found[name], code = "\n".join(code), []
    return found


def bare(source, renamed=None):
    """The syntax tree without docstrings; the last thing defined is `answer`."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        first = body[0] if isinstance(body, list) and body else None
        if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
            del body[0]
        if renamed and getattr(node, "name", getattr(node, "id", None)) == renamed:
            setattr(node, "name" if hasattr(node, "name") else "id", "answer")
    kept = [n for n in tree.body if not isinstance(n, ast.Import | ast.ImportFrom)]
    return [ast.dump(node) for node in kept]


# The known answers


def test_every_exercise_has_its_folder():
    assert sorted(p.name for p in FOLDER.iterdir() if p.is_dir()) == sorted(EXERCISES)
    for name, exercise in EXERCISES.items():
        assert getattr(checks, name) is exercise and name in checks.__all__
        assert len(list((FOLDER / name).glob("wrong_*.py"))) >= 5, name
        assert len(list((FOLDER / name).glob("right_*.py"))) >= 2, name


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


# Whatever is handed in


def stub(*args, **kwargs):
    """A statement."""
    ...  # noqa: PIE790


def not_yet(*args, **kwargs):
    raise NotImplementedError


class Stub(nn.Module):
    def __init__(self, *sizes):
        super().__init__()

    def forward(self, x): ...


def loop(*args, **kwargs):
    while True:
        print("again")


over = threading.Event()


def stubborn_loop(*args, **kwargs):
    while not over.is_set():
        try:
            while not over.is_set():
                pass
        except BaseException:
            pass


def placeholder(*args, **kwargs):
    return 1 + ...


def recursive(*args, **kwargs):
    return recursive(*args, **kwargs)


class Hostile:
    """Breaks whatever is done with it."""

    def __call__(self, *args, **kwargs):
        return Hostile()

    def __getattr__(self, name):
        raise RuntimeError(f"no {name} at 0x7f00")

    def __repr__(self):
        raise RuntimeError("no picture")

    def __eq__(self, other):
        raise RuntimeError("no comparison")

    __hash__ = None


GARBAGE = {
    "number": 3,
    "text": "answer",
    "tensor": torch.zeros(2),
    "list": [],
    "type": int,
    "module class": nn.Linear,
    "module": nn.Linear(3, 3),
    "hostile": Hostile(),
    "no arguments": lambda: 1,
    "nothing back": lambda *a, **k: print("x"),
    "text back": lambda *a, **k: "text",
    "list back": lambda *a, **k: [1, "a", None, object()],
    "empty": lambda *a, **k: torch.zeros(0),
    "wrong shape": lambda *a, **k: torch.zeros(7, 1, 5),
    "not a number": lambda *a, **k: torch.full((1,), torch.nan),
    "number not a number": lambda *a, **k: float("nan"),
    "complex": lambda *a, **k: torch.zeros(2, dtype=torch.complex64),
    "sparse": lambda *a, **k: torch.eye(2).to_sparse(),
    "raises": lambda *a, **k: 1 / 0,
    "exits": lambda *a, **k: sys.exit(1),
    "interrupts": lambda *a, **k: (_ for _ in ()).throw(KeyboardInterrupt),
    "generator": lambda *a, **k: (yield),
    "recursive": recursive,
    "class": Hostile,
    "cycle": functools.partial(lambda *a, **k: k["me"], me=[]),
    "flood": lambda *a, **k: print("x" * 10_000),
}


@every_exercise
def test_untouched_stubs_are_not_answered_yet(exercise):
    for answer in (None, ..., stub, not_yet, placeholder, Stub, Stub(), lambda *a: ...):
        outcome = exercise.outcome(answer)
        assert outcome.verdict == "open"
        assert outcome.message == f"{exercise.name}: not answered yet"


@every_exercise
def test_garbage_is_refused_politely(exercise):
    for name, answer in GARBAGE.items():
        outcome = exercise.outcome(answer)
        assert outcome.verdict in ("wrong", "open"), name
        assert "Traceback" not in outcome.message and "at 0x" not in outcome.message
        assert len(outcome.message) < 1500, name
        assert max(map(len, outcome.message.splitlines())) <= 120, name


@pytest.mark.parametrize("answer", [loop, stubborn_loop, lambda *a: time.sleep(60)])
def test_what_never_ends_is_stopped(answer):
    exercise = Exercise(
        "endless", right=abs, cases=[Case("", lambda f: f(-1))], seconds=0.2
    )
    over.clear()
    outcome = exercise.outcome(answer)
    over.set()
    assert "did not come to an end within 0.2 seconds" in flat(outcome.message)
    assert outcome.message.count("again") <= 4


# What a check leaves behind, and what it shows


def simple(right=abs, mistakes=(), probe=lambda f: f(-2.0), **settings):
    settings = {"praise": "well done.", **settings}
    return Exercise(
        "simple", right=right, cases=[Case("", probe)], mistakes=mistakes, **settings
    )


def test_a_check_prints_and_returns_nothing(capsys):
    assert simple()(abs) is None
    assert capsys.readouterr() == ("simple: right. well done.\n", "")
    assert simple()() is None
    assert capsys.readouterr() == ("simple: not answered yet\n", "")


def test_random_states_dtype_and_grad_mode_stay(unchecked):  # checking draws numbers
    def careless(x):
        torch.manual_seed(5), random.seed(5), np.random.seed(5)
        torch.set_default_dtype(torch.float64)
        torch.set_grad_enabled(False)
        return abs(x) + 0 * torch.rand(()).item()

    states = torch.get_rng_state(), random.getstate(), np.random.get_state()[1].tolist()
    threads = torch.get_num_threads()
    assert simple().outcome(careless).verdict == "right"
    assert torch.equal(torch.get_rng_state(), states[0])
    assert random.getstate() == states[1]
    assert np.random.get_state()[1].tolist() == states[2]
    assert torch.get_default_dtype() == torch.float32 and torch.is_grad_enabled()
    assert torch.get_num_threads() == threads


def test_the_readers_grad_mode_and_dtype_do_not_matter():
    exercise = EXERCISES["next_token_loss"]
    answer = load(FOLDER / "next_token_loss" / "right_written_out.py")[1]["answer"]
    torch.set_default_dtype(torch.float64)
    try:
        with torch.no_grad():
            assert exercise.outcome(answer).verdict == "right"
    finally:
        torch.set_default_dtype(torch.float32)


def test_what_an_answer_prints_is_shown_with_a_wrong_one_only(capsys):
    def chatty(x):
        for line in range(9):
            print("line", line)
        return x

    message = simple().outcome(chatty).message
    assert "your code printed:\n    line 0\n" in message
    assert "line 3" in message and "line 4" not in message and "…" in message
    assert simple(right=lambda x: x).outcome(chatty).message.count("\n") == 0
    assert capsys.readouterr().out == ""


def test_other_threads_print_as_before(capsys):
    done = threading.Event()

    def work():
        other = threading.Thread(target=lambda: (print("elsewhere"), done.set()))
        other.start()
        print("here")
        done.wait(5)

    assert in_thread(work, 5)[1] == "here\n"
    assert capsys.readouterr().out == "elsewhere\n"


def test_an_exception_names_the_readers_line():
    path = FOLDER / "next_token_loss" / "wrong_misspelt.py"
    exercise, defined = load(path)
    message = flat(exercise.outcome(defined["answer"]).message)
    assert "NameError: name 'target' is not defined (line 8 of your code: `" in message


def test_changes_in_place_are_seen_and_do_no_harm():
    x = torch.tensor([1.0, 2.0])
    exercise = simple(right=lambda x: x + 1, probe=lambda f: f(x))
    outcome = exercise.outcome(lambda x: x.add_(1))
    assert "changed in place" in flat(outcome.message) and x.tolist() == [1, 2]
    allowed = simple(right=lambda x: x.add_(1), probe=lambda f: f(x), may_change=True)
    assert "changed" not in allowed.outcome(lambda x: x).message


def test_a_mistake_in_part_is_named_only_when_it_is_the_only_one():
    cases = [Case("first", lambda f: f(2.0)), Case("second", lambda f: f(3.0))]
    double = Mistake("a", "Doubled.", lambda x: 2 * x)
    square = Mistake("b", "Squared.", lambda x: x * x)
    mistakes = [double, Mistake("c", "Plus five.", lambda x: x + 5)]

    def ask(answer, mistakes):
        exercise = Exercise("e", right=lambda x: x, cases=cases, mistakes=mistakes)
        return exercise.outcome(answer).mistake

    assert ask(lambda x: 2 * x, mistakes) == "a"
    assert ask(lambda x: {2.0: 4.0, 3.0: 1.0}[x], mistakes) == "a"  # so far
    assert ask(lambda x: {2.0: 4.0, 3.0: 1.0}[x], [double, square]) == ""
    assert ask(lambda x: x * x, [double, square]) == "b"
    assert ask(lambda x: 9.0, mistakes) == ""


@pytest.mark.parametrize(
    ("right", "wrong", "says"),
    [
        ((2, 3), (3, 2), "The axes are swapped"),
        ((1, 2), (2,), "An axis of size 1 is missing"),
        ((2,), (2, 1), "An axis of size 1 is left over"),
        ((4, 2, 3), (2, 3), "the batch, is missing"),
        ((4, 3), (4,), "Something was summed"),
        ((4,), (5,), "The shape is (5,): expected (4,)"),
    ],
)
def test_wrong_shapes_are_described(right, wrong, says):
    exercise = simple(lambda x: torch.ones(right))
    assert says in flat(exercise.outcome(lambda x: torch.ones(wrong)).message)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (lambda t: t.T, "axes 0 and 1 swapped"),
        (lambda t: -t, "wrong sign"),
        (lambda t: 3 * t, "3 times what it should be"),
        (lambda t: t - 2, "off by -2"),
        (lambda t: t.where(t != 3, 7.0), "1 of 4 numbers differ"),
        (lambda t: t / 0, "Infinite numbers"),
        (lambda t: 0 * t / 0, "4 of 4 numbers are NaN"),
        (lambda t: t.long(), "It gives back int64: expected floats"),
        (lambda t: t.tolist(), "It gives back a list"),
        (lambda t: print(), "is a `return` missing?"),
        (lambda t: t[0, 0], "The shape is ()"),
    ],
)
def test_wrong_numbers_are_described(wrong, says):
    matrix = torch.tensor([[1.0, 2.0], [3.0, 5.0]])
    exercise = simple(probe=lambda f: f(matrix))
    assert says in flat(exercise.outcome(wrong).message)


def test_a_small_difference_is_visible():
    exercise = simple(lambda x: torch.tensor([0.25, 0.5]))
    message = exercise.outcome(lambda x: torch.tensor([0.2509, 0.5])).message
    assert "[0.25000, 0.50000]" in message and "[0.25090, 0.50000]" in message


def test_stubs_are_known_by_their_code():
    assert untouched(stub) and untouched(functools.partial(stub, 1))
    assert untouched(Stub) and untouched(Stub()) and untouched(Stub().forward)
    assert not untouched(loop) and not untouched(nn.Linear) and not untouched(int)
    assert not untouched(lambda: 3) and not untouched(lambda x: x)


def test_the_library_opens_without_the_checks():
    for path in ROOT.glob("gptlib/*.py"):
        assert "gptcourse.checks" not in path.read_text(), path.name


# Shannon's game


def halves(letters, char, V=65):
    own = sum(0.5 ** (i + 1) for i, c in enumerate(letters) if c == char)
    return own + 0.5 ** len(letters) / V


def test_shannons_game_scores_what_was_stated(capsys):
    game = checks.ShannonGame("the quiz\nends", 4, halves, length=5, context=4)
    game.guess("q")
    assert game.losses == [pytest.approx(-math.log(0.5 + 0.5 / 65))]
    for letters in ("uuuu", "", "abc", "\\n"):
        assert not game.over
        game.guess(letters)
    assert game.over and game.revealed == "quiz\n"
    assert game.losses[2] == pytest.approx(math.log(65))
    assert game.losses[4] == game.losses[0]
    mean = sum(game.losses) / 5
    assert game.loss == pytest.approx(mean)
    spread = torch.tensor(game.losses).std().item()
    assert game.stderr == pytest.approx(spread / math.sqrt(5))
    game.guess("e")
    assert len(game.losses) == 5
    out = capsys.readouterr().out
    assert "'q' came: p = 0.508, 0.68 nats; 4 to go: …'the q'" in out
    assert out.count("over: ") == 2


def test_shannons_game_is_played_by_a_function_and_refuses_short_texts():
    game = checks.ShannonGame("abababab", 2, halves, length=6, context=2)
    played = game.play(lambda before: "ab"[before[-1] == "a"] * 9)
    assert played.over and played.loss < 0.01 and game.losses == []
    with pytest.raises(ValueError, match="start=3, length=6: expected"):
        checks.ShannonGame("abababab", 3, halves, length=6)


def test_shannons_game_has_a_box(capsys):
    game = checks.ShannonGame("the <b>quiz", 4, halves, length=5)
    assert "run this cell" in game._repr_mimebundle_()["text/plain"]
    page, (box, button) = game._box().children[0], game._box().children[1].children
    box.value = "<"
    assert len(game.losses) == 1 and box.value == "" and "&lt;" in page.value
    button.click()
    assert game.losses[1] == pytest.approx(math.log(65))
    assert capsys.readouterr().out == ""


# In the notebooks


def test_every_exercise_is_in_one_notebook():
    used = []
    for path in NOTEBOOKS:
        for cell in nbformat.read(path, as_version=4).cells:
            if cell.cell_type == "code":
                used += [name for name, _ in CHECKED.findall(cell.source)]
    assert sorted(used) == sorted(EXERCISES)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_exercises_in_notebooks_are_open_and_solved_as_the_right_answers_are(path):
    cells = nbformat.read(path, as_version=4).cells
    for cell in cells:
        for name, _ in CHECKED.findall(cell.source):
            assert cell.outputs[0].text == f"{name}: not answered yet\n"
    for name, code in solutions(path).items():
        assert code, f"{name} has no solution that folds out"
        last = ast.parse(code).body[-1]
        assert last.name.startswith("my_")
        known = [bare(p.read_text()) for p in (FOLDER / name).glob("right_*.py")]
        assert bare(code, renamed=last.name) in known, name
