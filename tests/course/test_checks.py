"""Every check is tried on answers that are known to be right, and on wrong ones.

`checks/<exercise>.py` holds RIGHT, answers by a short name, and WRONG, patches of the
solution with a piece of what each must hear (as in `gptcourse/checks/patches.py`);
EQUIVALENT, changes of the solution that change no result, and why; EXCUSED, arguments
of one value only, and why. The mistakes that a check knows need no answers here.
"""

import ast
import functools
import inspect
import re
import runpy
from functools import partial
from itertools import product
from pathlib import Path

import nbformat
import pytest
import torch
from torch import Tensor, nn

from gptcourse import checks
from gptcourse.checks import core
from gptcourse.checks.core import Exercise
from gptcourse.checks.general import RESULTS, applies, changed, general_mistakes
from gptcourse.checks.patches import apply, load, parse
from gptcourse.checks.running import Clock, in_thread, undisturbed
from gptcourse.checks.slips import mutants
from gptcourse.checks.values import Raised, plain, same

ROOT = Path(__file__).parents[2]
FOLDER = Path(__file__).parent / "checks"
EXERCISES = {k: e for k, e in checks.EXERCISES.items() if isinstance(e, Exercise)}
NOTEBOOKS = sorted((ROOT / "notebooks").glob("[0-9]*.ipynb"))
CHECKED = re.compile(r"(?m)^check\.(\w+)\((\w+)\)$")

every_exercise = pytest.mark.parametrize("exercise", EXERCISES.values(), ids=EXERCISES)
pytestmark = pytest.mark.usefixtures("unchecked")  # as for a reader


@functools.cache
def known(exercise):
    """What the exercise's file of answers defines."""
    return runpy.run_path(str(FOLDER / f"{exercise.name}.py"))


def flat(text):
    return " ".join(text.split())


ENDLESS = 0.1  # CPU seconds; a solution takes a thousandth


def accepts(exercise, answer, clock=None):
    """Whether an answer is taken for right: `outcome` without words, and faster."""
    for i, case in enumerate(exercise.cases):
        value, ask = exercise.value(case, answer, clock)
        if not same(exercise.known(i, exercise.right), value, exercise.tolerance):
            return False
        if ask.changed or ask.watch.seen:
            return False
    return True


def rejects(exercise, answer):
    """Whether an answer made of the solution is not taken for right, or never ends."""
    if "while" not in exercise.solution:  # it ends: no thread is needed
        with undisturbed():
            return not accepts(exercise, answer)
    clock = Clock()
    accepted, _ = in_thread(lambda: accepts(exercise, answer, clock), ENDLESS, clock)
    return not accepted


@functools.cache
def pieces(exercise):
    """The wrong answers of a file: [(message, answer, outcome)]."""
    names = {**exercise.names, "right": exercise.right}
    found = []
    for i, patch in enumerate(parse(known(exercise).get("WRONG", ""))):
        source = apply(exercise.solution, patch)
        answer = load(source, f"<wrong {i} of {exercise.name}>", **names)
        found.append((patch.says, answer, exercise.outcome(answer)))
    return found


# The known answers


def test_every_exercise_has_a_file_of_answers():
    assert {p.stem for p in FOLDER.glob("*.py")} == set(EXERCISES)
    for name, exercise in checks.EXERCISES.items():
        assert getattr(checks, name) is exercise and name in checks.__all__


@every_exercise
def test_right_answers_pass_with_one_line(exercise):
    sources = {"solution": exercise.solution, **known(exercise)["RIGHT"]}
    assert len(sources) >= 3
    for name, source in sources.items():
        answer = load(source, f"<right: {name}>", **exercise.names)
        outcome = exercise.outcome(answer)
        assert outcome.verdict == "right", f"{name}: {outcome.message}"
        assert outcome.message.startswith(f"✓ {exercise.name}: right. ")
        assert "\n" not in outcome.message and len(outcome.message) <= 110


@every_exercise
def test_wrong_answers_hear_what_is_meant_for_them(exercise):
    for piece, _, outcome in pieces(exercise):
        message = outcome.message
        assert outcome.verdict == "wrong", piece
        assert flat(piece) in flat(message), message
        assert "Traceback" not in message
    for _, answer, outcome in pieces(exercise)[:1]:
        assert exercise.outcome(answer).message == outcome.message


@every_exercise
def test_our_own_answer_never_fails(exercise):
    """Else an answer that fails in the same way would pass for right."""
    for value in exercise.expected():
        assert not isinstance(value, Raised), value


@pytest.mark.usefixtures("without_a_thread")
@every_exercise
def test_each_mistake_is_told_from_right_and_from_every_other(exercise):
    assert len(exercise.mistakes) >= 5
    assert len({flat(m.says) for m in exercise.mistakes}) == len(exercise.mistakes)
    for mistake in exercise.mistakes:
        if mistake.when is None:
            outcome = exercise.outcome(mistake.answer)
            assert outcome.mistake == mistake.says, outcome.message


@every_exercise
def test_mistakes_that_are_no_patches_have_an_answer(exercise):
    heard = {outcome.mistake for _, _, outcome in pieces(exercise)}
    assert {m.says for m in exercise.mistakes if m.when is not None} <= heard


# The sweep

# What no answer was ever seen to make, and cases must reject all the same.
RARE = {
    "only the first row": lambda x: x[:1],
    "along axis 1 every item is the first": lambda x: x[:, :1].expand_as(x),
    "exponentials": torch.exp,
}


def more(exercise):
    """(what, answer): further changes of results, of single parts, and of arguments."""
    right, results = exercise.right, [result for _, result in exercise.calls]
    for what, change in RARE.items():
        if applies(results, change):
            yield what, form(right, change)
    for n, value in enumerate(exercise.calls[0][0]):
        if isinstance(value, Tensor):
            yield f"argument {n} is ignored", partial(ignoring, right, n)
    kinds = ("The numbers lost", "float16")  # which a part's numbers may well have
    changes = {k: v for k, v in RESULTS.items() if not k.startswith(kinds)} | RARE
    count = len(exercise.parts)
    if count and all(len(result) == count for result in results):
        for k, (what, change) in product(range(count), changes.items()):
            if applies([result[k] for result in results], change):
                yield f"part {k}: {what}", partial(change_part, right, change, k)


def ignoring(right, n, *args):
    return right(*args[:n], torch.zeros_like(args[n]), *args[n + 1 :])


def change_part(right, change, k, *args):
    result = [*right(*args)]
    result[k] = changed(result[k], change)
    return result


def difference(before, after):
    lines = zip(before, after, strict=False)
    old, new = next(((a, b) for a, b in lines if a != b), (before[-1], "nothing"))
    return f"{old.strip()}  ->  {new.strip()}"


@every_exercise
def test_small_changes_of_the_solution_are_rejected(exercise):
    equivalent = known(exercise).get("EQUIVALENT", {})
    used = set()
    before = ast.unparse(ast.parse(exercise.solution))
    for _, _, source in mutants(exercise.solution):
        what = difference(before.splitlines(), source.splitlines())
        excuse = [key for key in equivalent if key in what]
        used |= set(excuse)
        try:
            answer = load(source, "<small change>", **exercise.names)
        except Exception:
            continue
        if not excuse:
            assert rejects(exercise, answer), f"taken for right: {what}"
    exercise.expected()
    for says, answer in [
        *general_mistakes(exercise.right, exercise.calls),
        *more(exercise),
    ]:
        if says in equivalent:
            used.add(says)
        else:
            assert rejects(exercise, answer), f"taken for right: {says}"
    assert used == set(equivalent), "an excuse that nothing needs"


@every_exercise
def test_lost_gradients_are_noticed(exercise):
    exercise.expected()
    if exercise.asks_for_gradients(-1):
        slopes = exercise.expected()[-1]
        assert any(slope.any() for slope in slopes.values())
        detached = form(exercise.right, Tensor.detach)
        assert "no gradient" in flat(exercise.outcome(detached).message)


@every_exercise
def test_cases_vary(exercise):
    """Numbers take two values at least, and in one case all sizes differ."""
    exercise.expected()
    excused = known(exercise).get("EXCUSED", {})
    names = [*inspect.signature(exercise.right).parameters]
    values, sizes = {}, []
    for args, _ in exercise.calls:
        for name, value in zip(names, args, strict=True):
            if isinstance(value, int | float):
                values.setdefault(name, set()).add(value)
            if isinstance(value, Tensor) and value.ndim > 1:
                sizes.append(value.shape)
    single = {name for name, seen in values.items() if len(seen) < 2}
    if not any(len(set(s)) == len(s) and min(s) > 1 < max(s) > 2 for s in sizes):
        single |= {"sizes"} if sizes else set()
    assert single == set(excused)


def form(right, change):
    return lambda *args: changed(right(*args), change)


class Wrapped(nn.Module):
    def __init__(self, right):
        super().__init__()
        self.right = right

    def forward(self, *args):
        return self.right(*args)


@every_exercise
def test_right_results_pass_in_any_reasonable_form(exercise):
    right = exercise.right

    def exchanged(*args):
        value = right(*args)
        other = {list: tuple, tuple: list}.get(type(value), lambda v: v)
        return other(value)

    def numpy(x):
        return x.numpy() if x.ndim else x.numpy()[()]

    forms = {
        "module": Wrapped(right),
        "tuple for list": exchanged,
        "double": form(right, lambda x: x.double() if x.is_floating_point() else x),
    }
    exercise.expected()
    if not exercise.asks_for_gradients(-1):
        forms["NumPy"] = form(right, numpy)
    if exercise.name == "sixteen_bits":
        del forms["double"]  # its statement asks for float32
    for name, answer in forms.items():
        assert not rejects(exercise, answer), name


def overwrite(value):
    """Other numbers in everything that is handed over and can be changed."""
    if isinstance(value, Tensor) and value.numel():
        value.data.copy_(~value if value.dtype == torch.bool else value + 1)
    elif isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            overwrite(item)
        value.clear()


@every_exercise
def test_arguments_must_stay_only_where_the_statement_says_so(exercise):
    exercise.expected()
    cases = [c for c in exercise.cases if not c.title.startswith(core.GRADIENTS)]

    def careless(n, *args):
        result = plain(exercise.right(*args))
        if n not in exercise.fills:
            overwrite(args[n])
        return result

    for n, name in enumerate(exercise.arguments):
        asked = [exercise.value(c, functools.partial(careless, n)) for c in cases]
        for i, (value, ask) in enumerate(asked):
            assert same(exercise.known(i, exercise.right), value, exercise.tolerance)
            assert not ask.changed or n in exercise.keeps, name
        assert any(ask.changed for _, ask in asked) == (n in exercise.keeps), name


EXACT = ("inverted_dropout", "sampling_probabilities", "sixteen_bits")  # ties are asked


def rounded(value):
    """A value with its real numbers off by a few of their last bits."""
    if isinstance(value, Tensor) and value.is_floating_point():
        noise = torch.sin(1000 * torch.arange(1.0, value.numel() + 1)).view_as(value)
        return value * (1 + 2e-7 * noise)
    if isinstance(value, list):
        return [rounded(v) for v in value]
    return {k: rounded(v) for k, v in value.items()} if type(value) is dict else value


@pytest.mark.parametrize("name", sorted(EXERCISES.keys() - EXACT))
def test_rounding_does_not_matter(name):
    """A right answer may add in another order: worth a third of what is tolerated."""
    exercise = EXERCISES[name]
    exercise.expected()

    def answer(*args):
        given = [v if i in exercise.fills else rounded(v) for i, v in enumerate(args)]
        return exercise.right(*given)

    for i, case in enumerate(exercise.cases):
        value, _ = exercise.value(case, answer)
        expected = exercise.known(i, exercise.right)
        assert same(expected, value, exercise.tolerance / 3), case.title


# In the notebooks


def solutions(notebook):
    """The code of every solution that folds out, by the exercise checked after it."""
    found, code = {}, []
    for cell in nbformat.read(notebook, as_version=4).cells:
        if cell.cell_type == "markdown":
            part = cell.source.partition("<summary>Solution</summary>")[2]
            code = re.findall(r"(?s)```python\n(.*?)```", part) or code
        for name, _ in CHECKED.findall(cell.source):
            found[name], code = "\n".join(code), []
    return found


def test_every_exercise_is_in_one_notebook():
    used = []
    for path in NOTEBOOKS:
        for cell in nbformat.read(path, as_version=4).cells:
            if cell.cell_type == "code":
                used += [name for name, _ in CHECKED.findall(cell.source)]
    assert sorted(used) == sorted(checks.EXERCISES)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_notebooks_print_the_solution_that_the_check_has(path):
    for name, code in solutions(path).items():
        assert code, f"{name} has no solution that folds out"
        assert ast.parse(code).body[-1].name.startswith("my_")
        if name in EXERCISES:
            assert code.strip() == EXERCISES[name].solution.strip(), name


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_exercises_in_notebooks_are_open(path):
    for cell in nbformat.read(path, as_version=4).cells:
        for name, _ in CHECKED.findall(cell.source):
            assert cell.outputs[0].text == f"{name}: not answered yet\n"
