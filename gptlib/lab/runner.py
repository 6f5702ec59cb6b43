"""A thread that takes one step after another until it is told otherwise."""

import threading
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial

from gptlib.files.interrupts import in_background

READY, RUNNING, PAUSED, MEASURING = "ready", "running", "paused", "measuring"
FINISHED, STOPPED, FAILED = "finished", "stopped", "failed"
OVER = (FINISHED, STOPPED, FAILED)
MOMENT = 0.05  # seconds after which somebody who waits looks up


class Runner:
    """Calls `advance()` again and again in a thread of its own.

    advance returns whether there is more to do; at_end is called once, after the
    last step. Every method may be called at any moment, from any thread. An
    exception in advance or at_end ends the thread: state "failed", and `.error` says
    why. After each step and each change of state that the thread makes it calls
    `changed`, whose own errors count for nothing.
    """

    def __init__(self, advance: Callable[[], bool], at_end: Callable[[], None]):
        self._advance, self._at_end = advance, at_end
        self._change = threading.Condition()
        self._thread: threading.Thread | None = None
        self._guests: list[int] = []  # threads that hold us between two steps
        self._one_guest = threading.RLock()
        self._busy = False
        self._measure = True
        self._goal: int | None = None  # how many steps it takes before it pauses
        self._look: int | None = None  # and where it pauses for a look on the way
        self._waiting, self._looked_by_hand = 0, False
        self.held = False  # paused on the way, while somebody waits for the goal
        self.state = READY
        self.steps = 0
        self.error: BaseException | None = None
        self.changed: Callable[..., None] = lambda *, now: None
        self._exhausted = False

    @property
    def alive(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def start(self, steps: int | None = None) -> None:
        """Run, or run on; with steps, pause after so many, counted from now."""
        with self._change:
            if self.state == MEASURING:
                return
            if self.state in OVER:
                raise ValueError(f"this run is {self.state}: reset, then start anew")
            self._goal = None if steps is None else self.steps + steps
            self._run_on()

    def resume(self, steps: int | None = None) -> None:
        """Run on to where `start` was to end; with steps, look up after so many.

        Raises ValueError when the run is over.
        """
        with self._change:
            if self.state in OVER:
                raise ValueError(f"this run is {self.state}: reset, then start anew")
            if self.state in (READY, PAUSED):
                if self._goal is not None and self._goal <= self.steps:
                    self._goal = None
                self._look = None if steps is None else self.steps + steps
                self._looked_by_hand = self._waiting > 0
                self._run_on()

    def _run_on(self) -> None:
        self.state, self.held = RUNNING, False
        if self._thread is None:
            stop = partial(self.stop, measure=False, wait=False)
            self._thread = in_background(self._work, stop)
        self._change.notify_all()

    def pause(self, *, hold: bool = False) -> None:
        """Return when the step under way is done and no other will begin.

        hold: whoever waits goes on waiting, until the run has been resumed.
        """
        with self._change:
            if self.state == RUNNING:
                self.state, self.held = PAUSED, hold and self._waiting > 0
            self._change.wait_for(lambda: not self._busy)

    def stop(self, *, measure: bool = True, wait: bool = True) -> None:
        """End the run for good, after the step under way; at_end only with measure."""
        with self._change:
            self._measure = self._measure and measure
            if self._thread is None and self.state not in OVER:
                self.state = STOPPED
            elif self.state in (RUNNING, PAUSED):
                self.state, self.held = MEASURING, False
            self._change.notify_all()
        # A guest must not wait for a thread that waits for the guest.
        if wait and self.alive and threading.get_ident() not in self._waiting_for():
            self._thread.join()

    def wait(
        self,
        steps: int | None = None,
        timeout: float | None = None,
        meanwhile: Callable[[], None] = lambda: None,
    ) -> bool:
        """Wait for so many more steps, or until nothing runs; False on time-out.

        meanwhile is called now and then by the thread that waits.
        """
        if threading.get_ident() in self._guests:
            raise ValueError("waiting inside between_steps() would never end")
        end = None if timeout is None else time.monotonic() + timeout
        target = None if steps is None else self.steps + steps
        with self._someone_waits():
            while True:
                left = MOMENT if end is None else end - time.monotonic()
                with self._change:
                    if self._change.wait_for(
                        lambda: self._reached(target), max(0, min(MOMENT, left))
                    ):
                        return True
                if left <= 0:
                    return False
                meanwhile()

    @contextmanager
    def _someone_waits(self) -> Iterator[None]:
        with self._change:
            self._waiting += 1
        try:
            yield
        finally:
            with self._change:
                self._waiting -= 1
                self.held = self.held and self._waiting > 0

    def _reached(self, target: int | None) -> bool:
        moving = self.state in (RUNNING, MEASURING) or self._busy or self.held
        return not moving or (target is not None and self.steps >= target)

    @contextmanager
    def between_steps(self) -> Iterator[None]:
        """Hold the thread between two steps during the block; one guest at a time."""
        me = threading.get_ident()
        if self._thread is not None and me == self._thread.ident:
            yield
            return
        with self._one_guest:
            self._guests.append(me)
            try:
                with self._change:
                    self._change.wait_for(lambda: not self._busy)
                yield
            finally:
                with self._change:
                    self._guests.remove(me)
                    self._change.notify_all()

    def _waiting_for(self) -> list[int]:
        return [*self._guests, self._thread.ident]

    def _work(self) -> None:
        try:
            while self._next_turn():
                self._done(self._advance())
                self._tell(now=self.state != RUNNING)
            if self._measure:
                self._tell(now=True)
                self._at_end()
            end = FINISHED if self._exhausted else STOPPED
        except BaseException as error:  # whatever it is, the reader must see it
            self.error, end = error, FAILED
        with self._change:
            self.state, self._busy, self.held = end, False, False
            self._change.notify_all()
        self._tell(now=True)

    def _tell(self, *, now: bool) -> None:
        with suppress(Exception):  # a picture must not end a training
            self.changed(now=now)

    def _next_turn(self) -> bool:
        """Wait until a step may begin; False when none ever will."""
        with self._change:
            self._change.wait_for(self._may_go_on)
            self._busy = True
            return self.state == RUNNING

    def _may_go_on(self) -> bool:
        if self.state == MEASURING and not self._measure:
            return True
        return self.state in (RUNNING, MEASURING) and not self._guests

    def _done(self, more: bool) -> None:
        with self._change:
            self._busy = False
            self.steps += 1
            if not more:
                self._exhausted, self.state = True, MEASURING
            elif self.state == RUNNING and self.steps in (self._goal, self._look):
                self.state = PAUSED
                on_the_way = self.steps != self._goal and self._looked_by_hand
                self.held = on_the_way and self._waiting > 0
            self._change.notify_all()


def weak(method: Callable) -> Callable[..., None]:
    """Call a method as long as its object exists, without keeping it alive."""
    known = weakref.WeakMethod(method)

    def call(**settings) -> None:
        method = known()
        if method is not None:
            method(**settings)

    return call
