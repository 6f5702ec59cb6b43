"""Checks of the notebooks' exercises: `from gptcourse import check`.

Every exercise is here by its name: `check.causal_head(my_head)` says whether the
answer is right and, if not, which mistake it looks like; `check.passed("causal_head")`
says whether the last answer was. Exercises are defined in the files that are called
after a topic, such as `single_head.py`. Read next: `core.py`.
"""

import importlib
import pkgutil

from gptcourse.checks.core import Exercise
from gptcourse.checks.showing import Outcome
from gptlib.errors import require_choice

EXERCISES: dict[str, Exercise] = {
    name: value.called(name)
    for module in pkgutil.iter_modules(__path__, f"{__name__}.")
    for name, value in vars(importlib.import_module(module.name)).items()
    if isinstance(value, Exercise)
}
globals().update(EXERCISES)
__all__ = ["EXERCISES", "Exercise", "Outcome", "passed", *EXERCISES]


def passed(exercise: str) -> bool:
    """Whether the reader's last answer to an exercise was right, in this kernel.

    exercise: its name, such as "causal_head". Raises ValueError for an unknown one.
    """
    require_choice("exercise", exercise, EXERCISES)
    return EXERCISES[exercise].passed
