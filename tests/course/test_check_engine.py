"""The frame of the checks: what it does with whatever is handed in."""

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
from gptcourse.checks.patches import apply, load, parse
from gptcourse.checks.recognise import PERHAPS
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
    exercise = Exercise("endless", ABS, cases=[Case("", lambda f: f(-1))], seconds=0.2)
    started = time.perf_counter()
    over.clear()
    outcome = exercise.outcome(answer)
    over.set()
    assert time.perf_counter() - started < 20
    assert "did not come to an end within 0.2 seconds" in flat(outcome.message)
    assert outcome.message.count("again") <= 4


# What a check leaves behind, and what it shows


ABS = "def f(x):\n    return abs(x)\n"
SAME = "def f(x):\n    return x\n"


def simple(solution=ABS, probe=lambda f: f(-2.0), **settings):
    settings = {"praise": "well done.", **settings}
    return Exercise("simple", solution, cases=[Case("", probe)], **settings)


def test_a_check_prints_and_returns_nothing(capsys):
    assert simple()(abs) is None
    assert capsys.readouterr() == ("✓ simple: right. well done.\n", "")
    assert simple()() is None
    assert capsys.readouterr() == ("simple: not answered yet\n", "")


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
    exercise = simple("def f(x):\n    return x + 1", probe=lambda f: f(x))
    outcome = exercise.outcome(lambda x: x.add_(1))
    assert "`x` is changed in place" in flat(outcome.message) and x.tolist() == [1, 2]
    longer = simple("def f(x):\n    return len(x) + 1", probe=lambda f: f(pair))
    outcome = longer.outcome(lambda x: (x.append(3), len(x))[1])
    assert "`x` is changed in place" in flat(outcome.message) and pair == [1, 2]
    table = simple("def f(x):\n    return x[0]", probe=lambda f: f({0: 5}))
    outcome = table.outcome(lambda x: x.pop(0))
    assert "`x` is changed in place" in flat(outcome.message)
    weight = "def f(x):\n    return x.weight.sum()"
    module = simple(weight, probe=lambda f: f(nn.LayerNorm(3)))
    outcome = module.outcome(lambda m: m.weight.detach().add_(1).sum() - 3)
    assert "`x` is changed in place" in flat(outcome.message)
    allowed = simple(
        "def f(x):\n    return x.add_(1)", lambda f: f(x), may_change=("x",)
    )
    assert "changed" not in allowed.outcome(lambda x: x).message


def test_what_is_forbidden_is_noticed():
    probe = lambda f: f(torch.tensor([1.0, 2.0]))  # noqa: E731
    source = "def f(x):\n    return x.exp() / x.exp().sum()"
    exercise = simple(source, probe, forbid=("softmax",))
    assert exercise.outcome(exercise.right).verdict == "right"
    for answer in (lambda x: x.softmax(-1), lambda x: torch.softmax(x, 0)):
        assert "`softmax` does the work" in flat(exercise.outcome(answer).message)


def three(solution=SAME, mistakes="", **settings):
    cases = [Case(str(x), args=(torch.tensor([x]),)) for x in (2.0, 3.0, 5.0)]
    return Exercise("three", solution, cases=cases, mistakes=mistakes, **settings)


TWO = """
return x => return 2 * x
    Doubled.
return x => return x * x
    Squared.
"""


def test_a_mistake_is_named_when_it_agrees_with_what_went_wrong():
    exercise = three(mistakes=TWO, gradients=False)
    assert exercise.outcome(lambda x: x + x).mistake == "Doubled."
    assert exercise.outcome(lambda x: x**2).mistake == "Squared."
    partly = exercise.outcome(lambda x: torch.where(x > 4, x - 1, 2 * x))
    assert partly.mistake == ""
    assert flat(partly.message).startswith(f"✗ three: not yet. {PERHAPS}Doubled.")
    outcome = exercise.outcome(lambda x: torch.where(x > 2, x + 7, 2 * x))
    assert outcome.mistake == "" and "Doubled" not in outcome.message


def test_numbers_that_agree_by_chance_name_no_mistake():
    counts = "def f(x):\n    return int(x)"
    patches = "int(x) => int(x) // 3\n    Divided by three."
    exercise = three(counts, mistakes=patches, gradients=False)
    assert exercise.outcome(lambda x: int(x) // 3).mistake == "Divided by three."
    assert exercise.outcome(lambda x: {2: 0, 3: 1}.get(int(x), 4)).mistake == ""
    assert "times" not in exercise.outcome(lambda x: 2 * int(x)).message


def test_general_mistakes_are_named_when_no_other_fits():
    source = "def f(x, y):\n    return x - 2 * y"
    one, two = torch.tensor([[1.0, 2.0], [4.0, 3.0]]), torch.tensor([[5.0], [8.0]])
    exercise = Exercise(
        "e", source, cases=[Case("a", args=(one, two)), Case("b", args=(two, one))]
    )
    message = exercise.outcome(lambda x, y: y - 2 * x).message
    assert "`x` and `y` seem to be exchanged" in flat(message)
    message = exercise.outcome(lambda x, y: x + 0 * y).message
    assert "`y` seems to have no effect" in flat(message)
    message = exercise.outcome(lambda x, y: (x - 2 * y).flip(0)).message
    assert "in reverse order" in flat(message)


def test_what_an_answer_depends_on_is_observed():
    source = "def f(x, y):\n    return x.cumsum(1) * y"
    one, two = torch.arange(6.0).view(2, 3), torch.arange(3.0, 9).view(2, 3)
    cases = [Case("a", args=(one, 2.0)), Case("b", args=(two, 3.0))]
    exercise = Exercise("e", source, cases=cases)

    def heard(answer):
        return flat(exercise.outcome(answer).message)

    assert "result at [:, 0] changes, too" in heard(
        lambda x, y: x + x.sum(1, keepdim=True) * y
    )
    assert "[:, 1] stays as it is" in heard(lambda x, y: x * y)
    assert "`y` has no effect" in heard(lambda x, y: x.cumsum(1) - 1)
    assert "Asked twice" in heard(lambda x, y: x.cumsum(1) * y + torch.rand(()))
    message = heard(lambda x, y: x.mul_(y))
    assert "The argument `x` is changed in place" in message


def test_a_gradient_that_is_lost_or_other_is_said():
    square = "def f(x):\n    return x * x"
    assert three(square).outcome(lambda x: x**2).verdict == "right"
    message = flat(three(square).outcome(lambda x: (x * x).detach()).message)
    assert "no gradient flows back" in message
    message = flat(three(square).outcome(lambda x: x * x.detach()).message)
    assert "the gradients: 5.0" in message and "'x'" in message


ONE = "def f(x):\n    return x + 1\n"


def test_patches_are_parsed_and_applied():
    patch, body, gone, lines = parse(
        "x + 1 => x - 1\n    Minus\n    it is.\n+ return 0\n    Zero.\n"
        "x + 1 => x\n    Nothing is added.\n"
        "-     return x + 1\n+     y = x\n+     return 3 * y\n    Tripled."
    )
    assert (patch.says, patch.replacements) == ("Minus it is.", (("x + 1", "x - 1"),))
    answers = [load(apply(ONE, p), "<a>")(5) for p in (patch, body, gone, lines)]
    assert answers == [4, 0, 5, 15]
    (twice,) = parse("x + => x *\n1 => 7\n    Both.")
    assert load(apply(ONE, twice), "<b>")(5) == 35


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a => b", "without a message"),
        ("    No change.", "a new piece after each"),
        ("a\n    No arrow.", "expected `old => new`"),
    ],
)
def test_texts_that_are_no_patches_are_refused(text, says):
    with pytest.raises(ValueError, match=says):
        parse(text)


@pytest.mark.parametrize("piece", ["x", "y"])
def test_a_patch_must_fit_once(piece):
    with pytest.raises(ValueError, match="expected exactly once"):
        apply(ONE, parse(f"{piece} => z\n    Says.")[0])


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
    exercise = simple(
        f"def f(x):\n    return torch.arange(1.0, 25)[:{np.prod(right)}].view({right})"
    )
    assert says in flat(exercise.outcome(lambda x: torch.ones(wrong)).message)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (lambda t: t.T, "two axes swapped"),
        (lambda t: -t, "wrong sign"),
        (lambda t: 3 * t, "3 times what it should be"),
        (lambda t: 1.004 * t, "4 of 4 numbers differ"),
        (lambda t: t.where(t != 3, 7.0), "1 of 4 numbers differ"),
        (lambda t: t / 0, "Infinite numbers"),
        (lambda t: 0 * t / 0, "4 of 4 numbers are NaN"),
        (lambda t: t.long(), "lost their decimals"),
        (lambda t: t.half(), "float16 holds three digits"),
        (lambda t: t.tolist(), "It gives back a list"),
        (lambda t: print(), "is a `return` missing?"),
        (lambda t: t[0, 0], "The shape is ()"),
    ],
)
def test_wrong_numbers_are_described(wrong, says):
    matrix = torch.tensor([[1.0, 2.0], [3.0, 5.0]])
    exercise = simple(SAME, probe=lambda f: f(matrix))
    assert says in flat(exercise.outcome(lambda t: wrong(1 * t)).message)


def test_the_part_that_differs_is_named():
    source = "def f(x):\n    return [1.0, 2.0], torch.tensor([x, 1.0])"
    exercise = simple(source, parts=("the losses", "the mean"))
    message = exercise.outcome(lambda x: ([1.0, 3.0], torch.tensor([x, 1.0]))).message
    assert "In the losses the numbers differ." in flat(message)
    message = exercise.outcome(lambda x: ([1.0, 2.0], torch.tensor([x, 3.0]))).message
    assert "In the mean: 1 of 2" in flat(message) and "[-2,  3]" in message


def test_a_small_difference_is_visible():
    exercise = simple("def f(x):\n    return torch.tensor([0.25, 0.5])")
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
