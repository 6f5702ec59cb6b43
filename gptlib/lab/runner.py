"""A thread that takes one step after another until it is told otherwise."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

READY, RUNNING, PAUSED, MEASURING = "ready", "running", "paused", "measuring"
FINISHED, STOPPED, FAILED = "finished", "stopped", "failed"
OVER = (FINISHED, STOPPED, FAILED)


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
        self._left: int | None = None  # steps until it pauses of itself
        self.state = READY
        self.steps = 0
        self.error: Exception | None = None
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
            self.state, self._left = RUNNING, steps
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, daemon=True)
                self._thread.start()
            self._change.notify_all()

    def pause(self) -> None:
        """Return when the step under way is done and no other will begin."""
        with self._change:
            if self.state == RUNNING:
                self.state = PAUSED
            self._change.wait_for(lambda: not self._busy)

    def stop(self, *, measure: bool = True, wait: bool = True) -> None:
        """End the run for good, after the step under way; at_end only with measure."""
        with self._change:
            self._measure = self._measure and measure
            if self._thread is None and self.state not in OVER:
                self.state = STOPPED
            elif self.state in (RUNNING, PAUSED):
                self.state = MEASURING
            self._change.notify_all()
        # A guest must not wait for a thread that waits for the guest.
        if wait and self.alive and threading.get_ident() not in self._waiting_for():
            self._thread.join()

    def wait(self, steps: int | None = None, timeout: float | None = None) -> bool:
        """Wait for so many more steps, or until nothing runs; False on time-out."""
        if threading.get_ident() in self._guests:
            raise ValueError("waiting inside between_steps() would never end")
        with self._change:
            target = None if steps is None else self.steps + steps

            def reached() -> bool:
                moving = self.state in (RUNNING, MEASURING) or self._busy
                return not moving or (target is not None and self.steps >= target)

            return self._change.wait_for(reached, timeout)

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
        except Exception as error:  # whatever it is, the reader must see it
            self.error, end = error, FAILED
        with self._change:
            self.state, self._busy = end, False
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
            elif self._left is not None:
                self._left -= 1
                if self._left == 0 and self.state == RUNNING:
                    self.state = PAUSED
            self._change.notify_all()
