"""Mistakes as patches: how their text is read and applied."""

import pytest

from gptcourse.checks.patches import apply, load, parse

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
        ("    No change.", "without a message or a change"),
        ("- a\n    No new piece.", "a new piece after each"),
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
