"""The worker threads of a flow run: so many places, and a thread that waits lends its own.

The threads are daemons: a task that never returns does not hold up the end of the process.
"""

from __future__ import annotations

import os
from _thread import LockType as Gate
from _thread import allocate_lock, get_ident, start_new_thread
from collections import deque
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Final

from flowctl.core.engine.locks import take

Work = Callable[[], None]


class Orphaned(BaseException):
    """Raised in a worker whose place was taken away because its task ran past the deadline; ends the thread."""


class Place:
    """A worker's right to run. Another thread may run on it for a while, on the worker's behalf."""

    __slots__ = ("is_lent", "is_lost", "pool")

    def __init__(self, pool: WorkerPool) -> None:
        self.pool = pool
        #: Given away for as long as its thread is blocked.
        self.is_lent = False
        #: Given away for good: its task ran past the deadline.
        self.is_lost = False


class WorkerPool:
    """Carries out work in at most `max_workers` threads that are not blocked."""

    def __init__(self, max_workers: int) -> None:
        self.max_workers = max_workers
        self._process = _process
        self._lock = allocate_lock()
        self._backlog: deque[Work] = deque()
        #: Threads that hold a place.
        self._running = 0
        self._idle: list[Gate] = []
        #: A thread has been woken and is not there yet.
        self._waking = False
        #: Threads that lent their place and want one again; they go before the backlog.
        self._returning: deque[Gate] = deque()
        self._closed = False

    @property
    def is_of_parent(self) -> bool:
        """Whether this process was forked since: the threads, and what is queued, are its parent's."""
        return self._process is not _process

    def add(self, work: Work, *, first: bool = False) -> bool:
        """Queue work, `first` before all that is queued; it starts at once when a place is free. False when closed."""
        take(self._lock)
        try:
            if self._closed:
                return False
            if first:
                self._backlog.appendleft(work)
            else:
                self._backlog.append(work)
            self._wake()
        finally:
            self._lock.release()
        return True

    def close(self) -> None:
        """Let idle threads end; what is queued is dropped."""
        with self._lock:
            self._closed = True
            # Not let go under the lock: what ends with it may ask for the pool.
            dropped, self._backlog = self._backlog, deque()
            idle, self._idle = self._idle, []
        del dropped
        for gate in idle:
            gate.release()

    def drain(self) -> None:
        """Carry out what is queued in the present thread: tasks of a cancelled run end at once."""
        while True:
            with self._lock:
                if not self._backlog:
                    return
                work = self._backlog.popleft()
            work()

    def lend(self, place: Place) -> None:
        """Give a place away while its thread blocks."""
        with self._lock:
            if not place.is_lost:
                place.is_lent = True
                self._vacate()

    def take_back(self, place: Place) -> None:
        """Get a place again, waiting for one if need be."""
        with self._lock:
            if place.is_lost:
                return
            if self._running < self.max_workers or self._closed:
                self._running += 1
                place.is_lent = False
                return
            gate = _gate()
            self._returning.append(gate)
        gate.acquire()
        with self._lock:
            place.is_lent = False
            if place.is_lost:  # while it waited
                self._vacate()

    def orphan(self, place: Place) -> None:
        """Give away the place of a worker that is past its deadline; it must raise `Orphaned` when it returns."""
        with self._lock:
            place.is_lost = True
            if not place.is_lent:
                self._vacate()

    def _wake(self) -> None:
        """Let one more thread come to the backlog, which wakes the next when there is more; the caller holds the lock.

        All at once they would only fight over the interpreter, and many tasks are over before a second thread is there.
        """
        if self._waking or self._running >= self.max_workers:
            return
        self._waking = True
        self._running += 1
        try:
            self._awaken()
        except RuntimeError:  # the system has no more threads for us
            self._waking = False
            self._running -= 1
            if not self._running:
                raise

    def _awaken(self) -> None:
        if self._idle:
            self._idle.pop().release()
        else:
            start_new_thread(self._work, ())

    def replace(self, place: Place) -> Place:
        """Make another place of one whose thread is past its deadline: for the thread that stood behind it."""
        own = Place(self)
        with self._lock:
            place.is_lost = True
            own.is_lent = place.is_lent
        return own

    def _vacate(self) -> None:
        """Pass a place on to whoever waits for one; the caller holds the lock."""
        if self._returning:
            self._returning.popleft().release()
        elif self._backlog and not self._closed:
            self._awaken()
        else:
            self._running -= 1

    def _work(self) -> None:
        _places[get_ident()] = Place(self)
        gate = _gate()
        arrives = True
        try:
            while True:
                take(self._lock)
                try:
                    if arrives:
                        arrives = self._waking = False
                        if len(self._backlog) > 1 and not self._closed:
                            self._wake()
                    if self._backlog and not self._returning:
                        work = self._backlog.popleft()
                    else:
                        self._vacate()
                        if self._closed:
                            return
                        self._idle.append(gate)
                        work = None
                finally:
                    self._lock.release()
                if work is None:
                    gate.acquire()
                    arrives = True
                    if self._closed:
                        return
                else:
                    work()
                    if self._process is not _process:  # its task forked, and this is the child
                        return
        except Orphaned:
            return
        except BaseException:
            # A fault of flowctl's own: Python shows it and ends the thread, another takes its place.
            with self._lock:
                self._vacate()
            raise
        finally:
            _places.pop(get_ident(), None)


#: Thread -> the place that it runs on.
_places: Final[dict[int, Place]] = {}
#: Stands for this process; another object in a forked child.
_process = object()


def _leave_to_parent() -> None:
    global _process
    _process = object()
    _places.clear()


os.register_at_fork(after_in_child=_leave_to_parent)


def _gate() -> Gate:
    gate = allocate_lock()
    gate.acquire()
    return gate


@contextmanager
def lent() -> Generator[None, None, None]:
    """Lend the present thread's place, if it has one, for the length of the block."""
    place = _places.get(get_ident())
    if place is None:
        yield
        return
    place.pool.lend(place)
    try:
        yield
    finally:
        place.pool.take_back(place)


def current_place() -> Place | None:
    """Return the place of the worker that the present thread is, or stands in for."""
    return _places.get(get_ident())


@contextmanager
def standing_in(place: Place | None) -> Generator[None, None, None]:
    """Run the block on the place of another thread, which merely waits for the end of it."""
    if place is not None:
        _places[get_ident()] = place
    try:
        yield
    finally:
        _places.pop(get_ident(), None)


def part_from(place: Place | None) -> None:
    """Let the present worker go on with a place of its own, not waiting any longer for who stands in for it."""
    if place is None:
        return
    _places[get_ident()] = own = place.pool.replace(place)
    if own.is_lent:
        own.pool.take_back(own)
