"""What the checks say and how they show it: as text and, in a notebook, in colour."""

import re
import sys
import types
from pathlib import Path

import nbformat
import numpy as np
import pytest
import torch
from nbclient import NotebookClient
from test_check_engine import SAME, flat, simple

from gptcourse import check
from gptcourse.checks import showing
from gptcourse.checks.core import Case, Exercise
from gptcourse.checks.showing import GROUNDS, INK

# How an outcome is shown


def test_a_check_prints_and_returns_nothing(capsys):
    assert simple()(abs) is None
    assert capsys.readouterr() == ("✓ simple: right. well done.\n", "")
    assert simple()(lambda x: x) is None
    out = capsys.readouterr().out
    assert out.startswith("✗ simple: not yet. ") and "<" not in out
    assert simple()() is None
    assert capsys.readouterr() == ("simple: not answered yet\n", "")


@pytest.fixture
def displayed(monkeypatch):
    """What is displayed, as in a notebook."""
    shown = []
    display = types.SimpleNamespace(display=lambda data, raw: shown.append(data))
    shell = types.SimpleNamespace(kernel=object())
    ipython = types.SimpleNamespace(get_ipython=lambda: shell, display=display)
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    return shown


def test_a_notebook_gets_a_coloured_mark_and_the_same_words(displayed, capsys):
    exercise = simple("def f(x):\n    return [x, 1.0]")
    exercise(exercise.right)
    exercise(lambda x: print("<b>") or [x, 2.0])
    right, wrong = displayed
    assert right["text/plain"] == "✓ simple: right. well done."
    assert GROUNDS["right"] in right["text/html"] and "<pre" not in right["text/html"]
    assert wrong["text/plain"].startswith("✗ simple: not yet.")
    assert GROUNDS["wrong"] in wrong["text/html"]
    assert "&lt;b&gt;" in wrong["text/html"] and "<b>\n" not in wrong["text/html"]
    lines = re.search("(?s)<pre.*?>(.*)</pre>", wrong["text/html"])[1].splitlines()
    columns = [re.search(r"(?:expected|got) +", line) for line in lines]
    ends = {match.end() for match in columns if match}
    assert len(ends) == 1 and sum(map(bool, columns)) == 2, lines
    assert capsys.readouterr().out == ""


def test_an_open_exercise_stays_quiet_in_a_notebook(displayed, capsys):
    simple()(...)
    assert displayed == [] and capsys.readouterr().out == "simple: not answered yet\n"


def luminance(colour):
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [
        v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in parts
    ]
    return float(np.dot(linear, [0.2126, 0.7152, 0.0722]))


def contrast(a, b):
    low, high = sorted((luminance(a), luminance(b)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("ground", GROUNDS.values(), ids=GROUNDS)
def test_the_marks_can_be_read_in_light_and_dark(ground):
    """WCAG: 4.5 for text on its ground, 3 for the ground itself on the page."""
    assert contrast("#ffffff", "#000000") == pytest.approx(21)
    assert contrast(INK, ground) >= 4.5
    for page in ("#ffffff", "#111111"):  # JupyterLab, light and dark
        assert contrast(ground, page) >= 3


SESSION = """
import sys
sys.path.insert(0, {folder!r})  # the module alone, without torch
from showing import Outcome, show
show(Outcome("e", "open"))
show(Outcome("e", "right", "well done."))
show(Outcome("e", "wrong", "Look at `x`.", "    expected  1"))
"""


def test_a_real_kernel_stores_both_forms_and_no_path():
    source = SESSION.format(folder=str(Path(showing.__file__).parent))
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source)])
    NotebookClient(notebook, kernel_name="python3", timeout=120).execute()
    first, right, wrong = notebook.cells[0].outputs
    assert first.text == "e: not answered yet\n"
    assert right.data["text/plain"] == "✓ e: right. well done."
    assert wrong.data["text/plain"].startswith("✗ e: not yet. Look at `x`.")
    assert "<code>x</code>" in wrong.data["text/html"]
    for output in (right, wrong):
        assert set(output.data) == {"text/plain", "text/html"} and not output.metadata
        assert not re.search("0x[0-9a-f]{4}|gptcourse|site-packages", str(output))


# Whether the last answer passed


def test_the_last_answer_decides_what_has_passed(capsys):
    right = check.rms_norm.right
    for answer, passed in (
        (right, True),
        (..., False),
        (right, True),
        (lambda x, eps: x, False),
        (right, True),
    ):
        check.rms_norm(answer)
        assert check.passed("rms_norm") is passed
    check.rms_norm.outcome(lambda x, eps: x)  # a program's question, not the reader's
    assert check.passed("rms_norm") is True and check.passed("rotary") is False


@pytest.mark.parametrize("name", ["my_head", "passed", "Exercise", None])
def test_only_exercises_can_have_passed(name):
    with pytest.raises(ValueError, match=r"expected one of .*'causal_head'"):
        check.passed(name)


# Which mistake is named


def three(solution=SAME, mistakes="", **settings):
    cases = [Case(str(x), args=(torch.tensor([x]),)) for x in (2.0, 3.0, 5.0)]
    made = Exercise(solution, cases=cases, mistakes=mistakes, **settings)
    return made.called("three")


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
    outcome = exercise.outcome(lambda x: torch.where(x > 4, x - 1, 2 * x))
    assert outcome.mistake == "" and "Doubled" not in outcome.message


def test_a_slip_is_shown_beside_what_it_stands_for():
    source = "def f(x):\n    y = x.cos()\n    return x * (1 + y) / 2"
    exercise = three(source)

    def heard(answer):
        return flat(exercise.outcome(answer).message)

    assert "with `1 - y` in place of `1 + y`" in heard(lambda x: x * (1 - x.cos()) / 2)
    assert "`x.sin()` in place of `x.cos()`" in heard(lambda x: x * (1 + x.sin()) / 2)
    assert "`x * 1 + y` in place" in heard(lambda x: (x + x.cos()) / 2)
    assert "in place" not in heard(lambda x: x * (1 - x.sin()) / 3)


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
        source, cases=[Case("a", args=(one, two)), Case("b", args=(two, one))]
    )
    message = exercise.outcome(lambda x, y: y - 2 * x).message
    assert "`x` and `y` seem to be exchanged" in flat(message)
    message = exercise.outcome(lambda x, y: x + 0 * y).message
    assert "`0 * y` in place of `2 * y`" in flat(message)
    message = exercise.outcome(lambda x, y: (x - 2 * y).flip(0)).message
    assert "in reverse order" in flat(message)


def test_two_known_mistakes_at_once_are_named():
    source = "def f(x):\n    y = 3 * x\n    return y - 1"
    patches = "3 * x => 4 * x\n    Four.\ny - 1 => y - 2\n    Minus two."
    exercise = three(source, patches, gradients=False)
    message = flat(exercise.outcome(lambda x: 4 * x - 2).message)
    assert "Two things. Four. Minus two." in message
    assert "Two things" not in exercise.outcome(lambda x: 4 * x - 3).message


def test_a_count_is_said_to_be_off_by_a_product_of_its_arguments():
    cases = [Case("", args=args) for args in ((2, 3), (5, 7), (11, 4))]
    exercise = Exercise("def f(a, b):\n    return a * b + b", cases=cases)
    message = exercise.outcome(lambda a, b: a * b + b - 2 * a * b * b).message
    assert "It is too small by 2 · a · b · b." in flat(message)
    assert "too" not in exercise.outcome(lambda a, b: a * a + 3).message


def test_dependences_are_said_only_where_they_hold_in_general():
    """The largest of three depends on each, though not at every point."""
    rows = torch.tensor([[-1.0, -5.0, -2.0]]), torch.tensor([[-4.0, -1.0, -3.0]])
    cases = [Case(str(row), args=(row,)) for row in rows]
    exercise = Exercise("def f(x):\n    return x * (x == x.amax())", cases=cases)
    message = exercise.outcome(lambda x: x.softmax(-1) / 3).message
    assert "depend" not in message


def test_what_an_answer_depends_on_is_observed():
    source = "def f(x, y):\n    return x.cumsum(1) * y"
    one, two = torch.arange(6.0).view(2, 3), torch.arange(3.0, 9).view(2, 3)
    cases = [Case("a", args=(one, 2.0)), Case("b", args=(two, 3.0))]
    exercise = Exercise(source, cases=cases)

    def heard(answer):
        return flat(exercise.outcome(answer).message)

    assert "result at [:, 0] changes, too" in heard(
        lambda x, y: x + x.sum(1, keepdim=True) * y
    )
    assert "[:, 1] stays as it is" in heard(lambda x, y: 3 * x * y)
    assert "`y` has no effect" in heard(lambda x, y: x.cumsum(1) - 1)
    assert "Asked twice" in heard(lambda x, y: x.cumsum(1) * y + torch.rand(()))
    message = heard(lambda x, y: x.mul_(y))
    assert "The argument" not in message


def test_a_gradient_that_is_lost_or_other_is_said():
    square = "def f(x):\n    return x * x"
    assert three(square).outcome(lambda x: x**2).verdict == "right"
    assert three(square).outcome(lambda x: x.mul_(x)).verdict == "right"
    assert three(square).outcome(lambda x: x.exp_().log().square()).verdict == "right"
    noted = three(square).outcome(lambda x: (x * x).detach())
    assert noted.verdict == "right" and "no gradient flows back" in noted.says
    asked = three(square, learns=True)
    message = flat(asked.outcome(lambda x: (x * x).detach()).message)
    assert "no gradient flows back" in message
    message = flat(asked.outcome(lambda x: x * x.detach()).message)
    assert "the gradients: 5.0" in message and "'x'" in message


# What is said of wrong values


@pytest.mark.parametrize(
    ("right", "wrong", "says"),
    [
        ((2, 3), (3, 2), "The axes are swapped"),
        ((1, 2), (2,), "An axis of size 1 is missing"),
        ((2,), (2, 1), "An axis of size 1 is left over"),
        ((4, 2, 3), (2, 3), "The first axis is missing"),
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
        (lambda t: 1.004 * t, "Nearly right, to within 1%"),
        (lambda t: t.where(t != 3, 7.0), "1 of 4 numbers differ"),
        (lambda t: t / 0, "4 of 4 numbers are infinite"),
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
    message = exercise.outcome(lambda x: ([1.0, 3.3], torch.tensor([x, 1.0]))).message
    assert "In the losses the numbers differ." in flat(message)
    message = exercise.outcome(lambda x: ([1.0, 2.0], torch.tensor([x, 3.0]))).message
    assert "In the mean: 1 of 2" in flat(message) and "[-2.,  3.]" in message


def test_a_small_difference_is_visible():
    exercise = simple("def f(x):\n    return torch.tensor([0.25, 0.5])")
    message = exercise.outcome(lambda x: torch.tensor([0.2509, 0.5])).message
    assert "[0.250, 0.500]" in message and "[0.251, 0.500]" in message
