"""Ending work cleanly after Ctrl-C, or when a scheduler ends the job."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

# Ctrl-C sends the first; schedulers, cloud machines and torchrun send the second.
SIGNALS = (signal.SIGINT, signal.SIGTERM)


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
