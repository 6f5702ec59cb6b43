"""Runs an answer where it can do no harm: limited in time, and leaving no trace.

Used by `core.py`. The answer runs in a thread of its own, which is given up when it
does not end; random states, the default dtype and what it prints are put back.
"""

import contextlib
import ctypes
import linecache
import random
import sys
import threading
import traceback
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from gptcourse.checks.before.values import ADDRESS, Raised, short

KEPT_OUTPUT = 300  # characters of what an answer prints
OURS = (str(Path(__file__).parent), str(Path(torch.__file__).parent))


class InAnswerError(Exception):
    """Carries what an answer raised out of a probe."""


class TimeIsUp(BaseException):
    """Raised inside an answer that does not end."""


class Ask:
    """The answer as a probe sees it: call it, and what it does is noticed.

    Tensors among the arguments are handed over as copies, so that a change in place
    harms nothing and is seen (`changed`), unless changing them is the exercise.
    """

    def __init__(self, answer, may_change: bool):
        self.answer, self.may_change = answer, may_change
        self.changed, self.last = False, None

    def __call__(self, *args, **kwargs):
        if self.may_change:
            handed, keywords = args, kwargs
        else:
            handed, keywords = _copy(args), _copy(kwargs)
        try:
            self.last = self.answer(*handed, **keywords)
        except TimeIsUp:
            raise
        except BaseException as error:
            raise InAnswerError from error
        if not self.may_change:
            before, after = [*_tensors((args, kwargs))], [*_tensors((handed, keywords))]
            self.changed |= not all(map(_unchanged, before, after))
        return self.last


def _copy(value):
    if isinstance(value, Tensor):
        return value.clone()
    if isinstance(value, list | tuple):
        return type(value)(_copy(v) for v in value)
    if isinstance(value, dict):
        return {k: _copy(v) for k, v in value.items()}
    return value


def _tensors(value) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, dict):
        yield from _tensors(list(value.values()))
    elif isinstance(value, list | tuple):
        for v in value:
            yield from _tensors(v)


def _unchanged(before: Tensor, after: Tensor) -> bool:
    if before.shape != after.shape or before.dtype != after.dtype:
        return False
    a, b = before.detach(), after.detach()
    return bool(((a == b) | ((a != a) & (b != b))).all())


def in_thread(work: Callable[[], object], limit: float) -> tuple[object, str, bool]:
    """Run work() for at most limit seconds: (its result, what it printed, ended).

    work must not raise. One that does not end is stopped where Python lets it be
    stopped, and otherwise left behind as a daemon thread.
    """
    result = []

    def target():
        torch.set_num_threads(1)  # what is asked is tiny
        with contextlib.suppress(TimeIsUp):
            result.append(work())

    thread = threading.Thread(target=target, daemon=True)
    with undisturbed(), _kept_output(thread) as written:
        thread.start()
        try:
            thread.join(limit)
        finally:
            _stop(thread)
        printed = written()
    return (result[0] if result else None), printed, bool(result)


def _stop(thread: threading.Thread) -> None:
    number, exception = ctypes.c_ulong(thread.ident), ctypes.py_object(TimeIsUp)
    for _ in range(3):  # an answer may catch it once
        if not thread.is_alive():
            return
        ctypes.pythonapi.PyThreadState_SetAsyncExc(number, exception)
        thread.join(0.1)


@contextlib.contextmanager
def undisturbed():
    """Put random states, default dtype and threads back as they were; no warnings."""
    states = torch.get_rng_state(), random.getstate(), np.random.get_state()
    dtype, threads = torch.get_default_dtype(), torch.get_num_threads()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        torch.set_rng_state(states[0])
        random.setstate(states[1])
        np.random.set_state(states[2])
        torch.set_default_dtype(dtype)
        torch.set_num_threads(threads)


def start_afresh() -> None:
    """The same random numbers, dtype and grad mode for every answer and question."""
    torch.default_generator.manual_seed(0)  # of the CPU only
    random.seed(0)
    np.random.seed(0)
    torch.set_default_dtype(torch.float32)
    torch.set_grad_enabled(True)  # of this thread only


class _Routed:
    """A stream that keeps what one thread writes and passes on what others write."""

    def __init__(self, stream, thread: threading.Thread, kept: list[str]):
        self.stream, self.thread, self.kept = stream, thread, kept

    def write(self, text):
        if threading.current_thread() is not self.thread:
            return self.stream.write(text)
        if sum(map(len, self.kept)) < KEPT_OUTPUT:
            self.kept.append(str(text)[:KEPT_OUTPUT])
        return len(text)

    def __getattr__(self, name):
        return getattr(self.stream, name)


@contextlib.contextmanager
def _kept_output(thread: threading.Thread):
    kept, before = [], (sys.stdout, sys.stderr)
    sys.stdout, sys.stderr = (_Routed(stream, thread, kept) for stream in before)
    try:
        yield lambda: "".join(kept)[:KEPT_OUTPUT]
    finally:
        sys.stdout, sys.stderr = before


def raised(error: BaseException) -> Raised:
    """What is said of an exception: its type, its message, the line of the reader's."""
    text = ADDRESS.sub("", " ".join(str(error).split()))
    return Raised(type(error).__name__, short(text, 200).strip("'\""), _place(error))


def _place(error: BaseException) -> str:
    """Where in the reader's own code it happened, if it did."""
    for frame, number in reversed(list(traceback.walk_tb(error.__traceback__))):
        file = frame.f_code.co_filename
        if file.startswith(OURS) or "site-packages" in file:
            continue
        line = linecache.getline(file, number).strip()
        return f" (line {number} of your code: `{line}`)" if line else ""
    return ""
