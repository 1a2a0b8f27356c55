"""The worker threads of a flow run: so many places, and a thread that waits lends its own.

The threads are daemons: a task that never returns does not hold up the end of the process.
"""

from __future__ import annotations

from _thread import LockType as Gate
from _thread import allocate_lock, get_ident, start_new_thread
from collections import deque
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Final

Work = Callable[[], None]


class Orphaned(BaseException):
    """Raised in a worker whose place was taken away because its task ran past the deadline; ends the thread."""


class WorkerPool:
    """Carries out work in at most `max_workers` threads that are not blocked."""

    def __init__(self, max_workers: int) -> None:
        self.max_workers = max_workers
        self._lock = allocate_lock()
        self._backlog: deque[Work] = deque()
        #: Threads that hold a place.
        self._running = 0
        self._idle: list[Gate] = []
        #: Threads that lent their place and want one again; they go before the backlog.
        self._returning: deque[Gate] = deque()
        self._closed = False

    def add(self, work: Work) -> None:
        """Queue work; it starts at once when a place is free."""
        with self._lock:
            self._backlog.append(work)
            if self._running >= self.max_workers:
                return
            self._running += 1
            if self._idle:
                self._idle.pop().release()
                return
        start_new_thread(self._work, ())

    def close(self) -> None:
        """Let idle threads end; what is queued is dropped."""
        with self._lock:
            self._closed = True
            self._backlog.clear()
            idle, self._idle = self._idle, []
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

    def lend(self) -> None:
        """Give the present worker's place away while it blocks."""
        with self._lock:
            self._vacate()

    def take_back(self) -> None:
        """Get a place again, waiting for one if need be."""
        with self._lock:
            if self._running < self.max_workers or self._closed:
                self._running += 1
                return
            gate = _gate()
            self._returning.append(gate)
        gate.acquire()

    def orphan(self) -> None:
        """Give away the place of a worker that is past its deadline; it must raise `Orphaned` when it returns."""
        self.lend()

    def _vacate(self) -> None:
        """Pass a place on to whoever waits for one; the caller holds the lock."""
        if self._returning:
            self._returning.popleft().release()
        elif self._backlog and not self._closed:
            if self._idle:
                self._idle.pop().release()
            else:
                start_new_thread(self._work, ())
        else:
            self._running -= 1

    def _work(self) -> None:
        _pools[get_ident()] = self
        gate = _gate()
        try:
            while True:
                with self._lock:
                    if self._backlog and not self._returning:
                        work = self._backlog.popleft()
                    else:
                        self._vacate()
                        if self._closed:
                            return
                        self._idle.append(gate)
                        work = None
                if work is None:
                    gate.acquire()
                    if self._closed:
                        return
                else:
                    work()
        except Orphaned:
            return
        finally:
            _pools.pop(get_ident(), None)


#: Worker thread -> its pool.
_pools: Final[dict[int, WorkerPool]] = {}


def _gate() -> Gate:
    gate = allocate_lock()
    gate.acquire()
    return gate


@contextmanager
def lent() -> Generator[None, None, None]:
    """Lend the present thread's place, if it has one, for the length of the block."""
    pool = _pools.get(get_ident())
    if pool is None:
        yield
        return
    pool.lend()
    try:
        yield
    finally:
        pool.take_back()


def current_pool() -> WorkerPool | None:
    """Return the pool whose worker the present thread is."""
    return _pools.get(get_ident())
