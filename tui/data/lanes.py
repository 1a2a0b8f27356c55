"""Threads that each own one connection: what they read leaves them as frozen rows, the connection never does."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor, wait
from typing import Final, TypeVar

from flowctl.store.home import Home
from flowctl.store.overview import OverviewReader

T = TypeVar("T")
#: Device, inode and whether there is a file at all: another database in the same place is another database.
_Identity = tuple[int, int] | None
_NEVER: Final = (-1, -1)
_AGAIN_S: Final = 0.02


class Lane:
    """One thread with one connection; what is asked of it is answered in turn."""

    def __init__(self, home: Home, name: str) -> None:
        self._home = home
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix=f"flowctl-{name}")
        self._reader: OverviewReader | None = None
        self._identity: _Identity = _NEVER
        self._is_closing = False
        #: Goes up each time the database was opened.
        self.opened = 0

    def ask(self, question: Callable[[OverviewReader], T]) -> T:
        """Have something read and wait for it; raises what the store raises."""
        return self.submit(question).result()

    def submit(self, question: Callable[[OverviewReader], T]) -> Future[T]:
        """Have something read, without waiting."""
        return self._executor.submit(self.here, question)

    def carry_out(self, work: Callable[[], T]) -> T:
        """Have something done in this lane's thread that may ask it for something by `here`."""
        return self._executor.submit(work).result()

    def close(self) -> None:
        """Break off what is being read, let go of what waits, close the connection in its thread, end the thread."""
        self._is_closing = True
        closed = self._executor.submit(self._close)
        while not closed.done():
            # Again and again: a question may have passed the check and not reached the database yet.
            if (reader := self._reader) is not None:
                reader.interrupt()
            wait([closed], timeout=_AGAIN_S)
        self._executor.shutdown()

    def here(self, question: Callable[[OverviewReader], T]) -> T:
        """Have something read by whoever is this lane's own thread already."""
        if self._is_closing:
            raise CancelledError
        identity = _identity_of(self._home.database)
        if self._reader is None or identity != self._identity:
            self._close()
            self._reader = OverviewReader.open(self._home)
            self._identity = identity
            self.opened += 1
        return question(self._reader)

    def _close(self) -> None:
        if self._reader is not None:
            self._reader.close()
            self._reader = None


def _identity_of(path: str) -> _Identity:
    try:
        found = os.stat(path)  # noqa: PTH116 - ten times a second
    except OSError:
        return None
    return found.st_dev, found.st_ino
