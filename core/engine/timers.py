"""One thread that calls back at given moments: retry delays of submitted tasks, deadlines of attempts."""

from __future__ import annotations

import os
import sys
from _thread import TIMEOUT_MAX, allocate_lock, start_new_thread
from collections.abc import Callable
from heapq import heappop, heappush
from time import monotonic


class Timer:
    """A callback that is due, until it is called off."""

    __slots__ = ("callback", "due", "order")

    def __init__(self, due: float, order: int, callback: Callable[[], None]) -> None:
        self.due = due
        self.order = order
        self.callback: Callable[[], None] | None = callback

    def __lt__(self, other: Timer) -> bool:
        return (self.due, self.order) < (other.due, other.order)

    def call_off(self) -> None:
        self.callback = None


class Timers:
    """Calls back once each; the callback must be quick, and is called in the timers' own thread."""

    def __init__(self) -> None:
        self._lock = allocate_lock()
        self._heap: list[Timer] = []
        self._count = 0
        self._bell = allocate_lock()
        self._bell.acquire()
        self._runs = False

    def after(self, seconds: float, callback: Callable[[], None]) -> Timer:
        """Call back after so many seconds; give the timer, so that it can be called off."""
        with self._lock:
            self._count += 1
            timer = Timer(monotonic() + seconds, self._count, callback)
            heappush(self._heap, timer)
            if not self._runs:
                self._runs = True
                start_new_thread(self._run, ())
            elif self._heap[0] is timer and self._bell.locked():
                self._bell.release()
        return timer

    def _run(self) -> None:
        while True:
            with self._lock:
                while self._heap and self._heap[0].callback is None:
                    heappop(self._heap)
                now = monotonic()
                due = heappop(self._heap) if self._heap and self._heap[0].due <= now else None
                wait = self._heap[0].due - now if self._heap else -1
            if due is None:
                self._bell.acquire(timeout=-1 if wait < 0 else min(wait, TIMEOUT_MAX))
            elif (callback := due.callback) is not None:
                try:
                    callback()
                except BaseException as error:  # the other timers go on
                    sys.excepthook(type(error), error, error.__traceback__)


_timers: Timers | None = None


def _leave_to_parent() -> None:
    global _timers
    _timers = None


os.register_at_fork(after_in_child=_leave_to_parent)


def timers() -> Timers:
    """Return the timers of this process."""
    global _timers
    if _timers is None:
        _timers = Timers()
    return _timers
