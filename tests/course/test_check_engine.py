"""The frame of the checks: what it does with whatever is handed in.

Read next: `test_check_messages.py`.
"""

import functools
import random
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from gptcourse import checks
from gptcourse.checks.core import Case, Exercise
from gptcourse.checks.patches import load
from gptcourse.checks.running import in_thread
from gptcourse.checks.stubs import untouched

ROOT = Path(__file__).parents[2]
EXERCISES = checks.EXERCISES

for known in EXERCISES.values():
    known.seconds = 60.0  # no test may fail because the machine is busy

every_exercise = pytest.mark.parametrize("exercise", EXERCISES.values(), ids=EXERCISES)
pytestmark = pytest.mark.usefixtures("unchecked")  # as for a reader


def flat(text):
    return " ".join(text.split())


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
    "nothing back": lambda *a, **k: print("x" * 10_000),
    "text back": lambda *a, **k: "text",
    "list back": lambda *a, **k: [1, "a", None, object()],
    "empty": lambda *a, **k: torch.zeros(0),
    "wrong shape": lambda *a, **k: torch.zeros(7, 1, 5),
    "not a number": lambda *a, **k: torch.full((1,), torch.nan),
    "complex": lambda *a, **k: torch.zeros(2, dtype=torch.complex64),
    "sparse": lambda *a, **k: torch.eye(2).to_sparse(),
    "raises": lambda *a, **k: 1 / 0,
    "exits": lambda *a, **k: sys.exit(1),
    "interrupts": lambda *a, **k: (_ for _ in ()).throw(KeyboardInterrupt),
    "generator": lambda *a, **k: (yield),
    "recursive": recursive,
    "class": Hostile,
    "cycle": functools.partial(lambda *a, **k: k["me"], me=[]),
}


@every_exercise
def test_untouched_stubs_are_not_answered_yet(exercise):
    for answer in (None, ..., stub, not_yet, placeholder, Stub, Stub(), lambda *a: ...):
        outcome = exercise.outcome(answer)
        assert outcome.verdict == "open"
        assert outcome.message == f"{exercise.name}: not answered yet"


@pytest.mark.usefixtures("without_a_thread")
@every_exercise
def test_garbage_is_refused_politely(exercise):
    """Every second kind of it, the others by the next exercise: the frame is one."""
    first = [*EXERCISES].index(exercise.name) % 2
    for name, answer in [*GARBAGE.items()][first::2]:
        outcome = exercise.outcome(answer)
        message = outcome.message
        assert outcome.verdict in ("wrong", "open"), name
        assert "Traceback" not in message and "at 0x" not in message
        assert len(message) < 1500, name
        assert max(map(len, message.splitlines())) <= 120, name


@pytest.mark.parametrize("answer", [loop, stubborn_loop, lambda *a: time.sleep(60)])
def test_what_never_ends_is_stopped(answer):
    exercise = Exercise(ABS, cases=[Case("", lambda f: f(-1))], seconds=0.05)
    started = time.perf_counter()
    over.clear()
    outcome = exercise.outcome(answer)
    over.set()
    assert time.perf_counter() - started < 20
    assert "did not come to an end within 0.05 seconds" in flat(outcome.message)
    assert outcome.message.count("again") <= 4


# What a check leaves behind, and what it shows


ABS = "def f(x):\n    return abs(x)\n"
SAME = "def f(x):\n    return x\n"


def simple(solution=ABS, probe=lambda f: f(-2.0), **settings):
    settings = {"praise": "well done.", **settings}
    return Exercise(solution, cases=[Case("", probe)], **settings).called("simple")


def test_random_states_dtype_and_grad_mode_stay():
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
    torch.set_default_dtype(torch.float64)
    try:
        with torch.no_grad():
            assert exercise.outcome(exercise.right).verdict == "right"
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
    assert simple(SAME).outcome(chatty).message.count("\n") == 0
    assert capsys.readouterr().out == ""


def test_other_threads_print_as_before(capsys):
    done = threading.Event()

    def work():
        other = threading.Thread(target=lambda: (print("elsewhere"), done.set()))
        other.start()
        print("here")
        done.wait(5)

    assert in_thread(work)[1] == "here\n"
    assert capsys.readouterr().out == "elsewhere\n"


def test_an_exception_names_the_readers_line():
    answer = load("def f(x):\n    y = x\n    return z\n", "<cell>")
    message = flat(simple().outcome(answer).message)
    assert "NameError: name 'z' is not defined (line 3 of your code: `ret" in message


def test_changed_arguments_are_seen_and_do_no_harm():
    x, pair = torch.tensor([1.0, 2.0]), [1, 2]

    def heard(solution, argument, answer, **settings):
        exercise = simple(solution, lambda f: f(argument), **settings)
        return flat(exercise.outcome(answer).message)

    for solution, argument, answer in (
        ("def f(x):\n    return x + 1", x, lambda x: x.add_(1)),
        ("def f(x):\n    return len(x) + 1", pair, lambda x: x.append(3) or len(x)),
        ("def f(x):\n    return x[0]", {0: 5}, lambda x: x.pop(0)),
    ):
        assert "`x` is changed" in heard(solution, argument, answer, keeps=("x",))
        assert "right" in heard(solution, argument, answer)
    assert x.tolist() == [1, 2] and pair == [1, 2]
    adding = "def f(x):\n    return x.add_(1)"
    filled = simple(adding, lambda f: (f(y := x.clone()), y)[1], fills=("x",))
    assert filled.outcome(lambda x: x.add_(1)).verdict == "right"
    assert filled.outcome(lambda x: x + 1).verdict == "wrong"


def test_what_is_forbidden_is_noticed():
    probe = lambda f: f(torch.tensor([1.0, 2.0]))  # noqa: E731
    source = "def f(x):\n    return x.exp() / x.exp().sum()"
    exercise = simple(source, probe, forbid=("softmax",))
    assert exercise.outcome(exercise.right).verdict == "right"
    for answer in (lambda x: x.softmax(-1), lambda x: torch.softmax(x, 0)):
        assert "`softmax` does the work" in flat(exercise.outcome(answer).message)


def test_stubs_are_known_by_their_code():
    assert untouched(stub) and untouched(functools.partial(stub, 1))
    assert untouched(Stub) and untouched(Stub()) and untouched(Stub().forward)
    assert not untouched(loop) and not untouched(nn.Linear) and not untouched(int)
    assert not untouched(lambda: 3) and not untouched(lambda x: x)


def test_the_library_opens_without_the_checks():
    for path in ROOT.glob("gptlib/*.py"):
        assert "gptcourse.checks" not in path.read_text(), path.name
