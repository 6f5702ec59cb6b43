"""Errors, and checks of arguments: one message with the value and what is expected."""

import math
import operator
from contextlib import contextmanager


class DataError(OSError):
    """A corpus could not be found, fetched or read."""


class CompileError(OSError):
    """This machine cannot compile a model."""


class DivergedError(ValueError):
    """The loss of a training is not finite any more."""


class FolderInUseError(OSError):
    """Somebody else writes to a folder at this moment."""


class ModelFileError(ValueError):
    """A model folder holds something that this library cannot read as a model."""


def one_line(error: Exception) -> str:
    """The message of an error, which may quote what somebody wrote, as one line."""
    return " ".join(str(error).split())


def describe(error: BaseException) -> str:
    """The class of an error and the first line of its message."""
    first = str(error).strip().partition("\n")[0]
    return f"{type(error).__name__}: {first:.200}"


@contextmanager
def compiler_errors(enabled: bool):
    """Turn any error of torch's compiler inside into a CompileError."""
    try:
        yield
    except Exception as error:
        if not (enabled and type(error).__module__.startswith("torch._")):
            raise
        reason = str(error).strip().partition("\n")[0]
        raise CompileError(
            f"compile=True: torch could not compile the model here ({reason}). "
            "Train with compile=False; on a CPU compiling needs a C++ compiler"
        ) from None


def require_int(name: str, value, low: int, high: int | None = None) -> int:
    """Return value as an int in low..high. Raises TypeError or ValueError."""
    bounds = f"a whole number of at least {low}"
    if high is not None:
        bounds = f"a whole number from {low} to {high}"
    try:
        number = operator.index(value)
    except TypeError:
        raise TypeError(f"{name}={value!r}: expected {bounds}") from None
    if isinstance(value, bool):
        raise TypeError(f"{name}={value!r}: expected {bounds}")
    if number < low or (high is not None and number > high):
        raise ValueError(f"{name}={value!r}: expected {bounds}")
    return number


def require_number(
    name: str, value, low: float, high: float = math.inf, *, below: bool = False
) -> float:
    """Return value as a finite float in [low, high]; below: in [low, high).

    Raises TypeError or ValueError.
    """
    bracket = ")" if below or high == math.inf else "]"
    bounds = f"a finite number in [{low:g}, {high:g}{bracket}"
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise TypeError(f"{name}={value!r}: expected {bounds}") from None
    if isinstance(value, bool | str):
        raise TypeError(f"{name}={value!r}: expected {bounds}")
    too_high = number >= high if below else number > high
    if not math.isfinite(number) or number < low or too_high:
        raise ValueError(f"{name}={value!r}: expected {bounds}")
    return number


def require_choice(name: str, value, choices):
    """Return value. Raises ValueError unless it is one of choices."""
    if value not in choices:
        options = ", ".join(repr(choice) for choice in choices)
        raise ValueError(f"{name}={value!r}: expected one of {options}")
    return value
