"""Ending work cleanly: after Ctrl-C, when a scheduler or Python itself ends."""

import atexit
import ctypes
import multiprocessing
import os
import signal
import sys
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

# Ctrl-C sends the first; schedulers, cloud machines and torchrun send the second.
SIGNALS = (signal.SIGINT, signal.SIGTERM)


def _stopped(*_) -> None:
    os.write(2, b"\ngptlib: stopped\n")
    os._exit(130)


# In `python -m gptlib` nobody can catch what is raised while torch is imported.
if sys.argv[:1] == ["-m"] and "gptlib" in sys.orig_argv:
    signal.signal(signal.SIGINT, _stopped)


@contextmanager
def deferred_interrupt() -> Iterator[threading.Event]:
    """Turn an interrupt inside into an event; raise KeyboardInterrupt at the end."""
    interrupted = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield interrupted
        return
    previous = {
        number: signal.signal(number, lambda *_: interrupted.set())
        for number in SIGNALS
    }
    try:
        yield interrupted
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
    if interrupted.is_set():
        raise KeyboardInterrupt


def as_worker() -> None:
    """Initialise a process of a pool so that it never outlives its parent.

    Ctrl-C ends it at once, and so does the end of its parent.
    """
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    parent = multiprocessing.parent_process()
    threading.Thread(target=lambda: (parent.join(), os._exit(1)), daemon=True).start()


SECONDS_TO_STOP = 10  # a step of a large model takes a while
_stops: weakref.WeakKeyDictionary = weakref.WeakKeyDictionary()


def in_background(
    work: Callable[[], None], stop: Callable[[], None]
) -> threading.Thread:
    """Start work in a daemon thread. At the end of the process stop() is called, and
    the thread is given ten seconds."""
    thread = threading.Thread(target=work, daemon=True)
    _stops[thread] = stop
    thread.start()
    return thread


@atexit.register
def _end_threads() -> None:
    running = [(thread, stop) for thread, stop in _stops.items() if thread.is_alive()]
    end = time.monotonic() + SECONDS_TO_STOP
    for _, stop in running:
        stop()
    for thread, _ in running:
        thread.join(max(0.0, end - time.monotonic()))
    if sys.platform != "linux" or not any(t.daemon for t in threading.enumerate()):
        return
    # A thread that still computes, an endless answer say, is ended when it next wants
    # to run Python; inside C++ that aborts the process. Let it sleep instead.
    with suppress(OSError, AttributeError):
        terminates = ctypes.CDLL("libstdc++.so.6")._ZSt13set_terminatePFvvE
        terminates(ctypes.cast(ctypes.CDLL(None).pause, ctypes.c_void_p))
