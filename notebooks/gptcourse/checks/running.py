"""Runs an answer where it can do no harm: limited in time, and leaving no trace.

Used by `core.py`. The answer runs in a thread of its own, which is given up when it
does not end; random states, the default dtype and what it prints are put back.
"""

import contextlib
import ctypes
import io
import linecache
import random
import sys
import threading
import time
import traceback
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from gptcourse.checks.values import ADDRESS, Raised, plain, same

OURS = (str(Path(__file__).parent), str(Path(torch.__file__).parent))
KEPT_OUTPUT = 300  # characters of what an answer prints
PATIENCE = 12  # wall-clock limit, in time limits: a busy machine is no endless loop


class TimeIsUp(BaseException):
    """Raised inside an answer that does not end."""


class Clock:
    """CPU seconds that one thread spends inside an answer, read from another."""

    def __init__(self):
        self.spent, self.started, self.since = 0.0, None, 0.0

    def __enter__(self):
        self.since, self.started = time.monotonic(), time.thread_time()

    def __exit__(self, *error):
        self.spent += time.thread_time() - self.started
        self.started = None

    def is_over(self, thread: threading.Thread, limit: float) -> bool:
        spent, started = self.spent, self.started
        if started is not None:
            if time.monotonic() - self.since > PATIENCE * limit:
                return True
            # It may have just ended (OSError); macOS cannot tell (AttributeError).
            with contextlib.suppress(OSError, AttributeError):
                now = time.clock_gettime(time.pthread_getcpuclockid(thread.ident))
                spent += now - started
        return spent > limit


class Ask:
    """The answer as a probe sees it: call it, and what it does is noticed.

    Arguments are handed over as copies, so that an answer may work in place; those at
    the positions fills as they are. Of those at the positions keeps, changes are noted.
    """

    def __init__(self, answer, keeps=(), fills=(), forbid=(), clock=None, seed=0):
        self.answer, self.keeps, self.fills = answer, keeps, fills
        self.clock, self.watch = clock or Clock(), _Watch(forbid)
        self.changed, self.last, self.error = [], None, None  # changed: positions
        self.calls = []  # (arguments, result)
        start_afresh(seed)

    def __call__(self, *args):
        args = [v if i in self.fills else _copy(v) for i, v in enumerate(args)]
        before = [plain(args[i]) for i in self.keeps]
        watch = self.watch if self.watch.forbid else contextlib.nullcontext()
        try:
            with self.clock, watch:
                self.last = self.answer(*args)
        except BaseException as error:
            self.error = error
            raise
        for i, value in zip(self.keeps, before, strict=True):
            if not same(value, plain(args[i]), 0.0):
                self.changed.append(i)
        self.calls.append((args, self.last))
        return self.last


class _Watch(TorchFunctionMode):
    """Notes which forbidden functions and dtypes of torch are used."""

    def __init__(self, forbid):
        super().__init__()
        self.forbid, self.seen = frozenset(forbid), []

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        dtypes = [v for v in (*args, *kwargs.values()) if isinstance(v, torch.dtype)]
        names = {getattr(func, "__name__", ""), *map(str, dtypes)}
        names = {name.removeprefix("torch.") for name in names}
        self.seen += sorted(names & self.forbid)
        return func(*args, **kwargs)


def _copy(value):
    if isinstance(value, Tensor):
        return value.clone()
    if isinstance(value, np.ndarray):
        return value.copy()
    if type(value) in (list, tuple):
        return type(value)(_copy(v) for v in value)
    if type(value) is dict:
        return {k: _copy(v) for k, v in value.items()}
    return value


def in_thread(
    work: Callable[[], object], limit: float = 0.0, clock: Clock | None = None
) -> tuple[object, str]:
    """Run work() in a thread of its own: (its result or None, what was printed).

    work must not raise. One whose clock shows more than limit seconds is stopped where
    Python lets it be stopped, and otherwise left behind as a daemon thread.
    """
    result, printed = [], io.StringIO()

    def target():
        torch.set_num_threads(1)  # what is asked is tiny
        with contextlib.suppress(TimeIsUp):
            result.append(work())

    thread = threading.Thread(target=target, daemon=True)
    out, err = (_Routed(s, thread, printed) for s in (sys.stdout, sys.stderr))
    redirected = contextlib.redirect_stdout(out)
    with undisturbed(), redirected, contextlib.redirect_stderr(err):
        thread.start()
        try:
            while thread.is_alive() and not (clock and clock.is_over(thread, limit)):
                thread.join(0.01)
        finally:
            _stop(thread)
    return (result[0] if result else None), printed.getvalue()


class _Routed:
    """A stream that keeps what one thread writes, and passes on what others write."""

    def __init__(self, stream, thread: threading.Thread, kept: io.StringIO):
        self.stream, self.thread, self.kept = stream, thread, kept

    def write(self, text):
        if threading.current_thread() is not self.thread:
            return self.stream.write(text)
        self.kept.write(text[: KEPT_OUTPUT - self.kept.tell()])
        return len(text)

    def __getattr__(self, name):
        return getattr(self.stream, name)


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


def start_afresh(seed: int = 0) -> None:
    """The same random numbers, dtype and grad mode for every answer and question."""
    torch.default_generator.manual_seed(seed)  # of the CPU only
    random.seed(seed)
    np.random.seed(seed)
    torch.set_default_dtype(torch.float32)
    torch.set_grad_enabled(True)  # of this thread only


def raised(error: BaseException) -> Raised:
    """What is said of an exception: its type, its message, the line of the reader's."""
    text = ADDRESS.sub("", " ".join(str(error).split()))
    return Raised(type(error).__name__, text[:200], _place(error))


def _place(error: BaseException) -> str:
    """Where in the reader's own code it happened, if it did."""
    for frame, number in reversed(list(traceback.walk_tb(error.__traceback__))):
        file = frame.f_code.co_filename
        if file.startswith(OURS) or "site-packages" in file:
            continue
        line = linecache.getline(file, number).strip()
        return f" (line {number} of your code: `{line}`)" if line else ""
    return ""
