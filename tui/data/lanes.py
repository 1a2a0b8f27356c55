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


class Opening:
    """A connection to whatever database stands in its place now; it stays in the thread that asks."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._identity: _Identity = _NEVER
        self.reader: OverviewReader | None = None
        #: Goes up each time the database was opened.
        self.opened = 0

    def here(self, question: Callable[[OverviewReader], T]) -> T:
        """Have something read; raises what the store raises."""
        identity = _identity_of(self._home.database)
        if self.reader is None or identity != self._identity:
            self.close()
            self.reader = OverviewReader.open(self._home)
            self._identity = identity
            self.opened += 1
        return question(self.reader)

    def close(self) -> None:
        """Close the connection, if there is one."""
        if self.reader is not None:
            self.reader.close()
            self.reader = None


class Lane:
    """One thread with one connection; what is asked of it is answered in turn."""

    def __init__(self, home: Home, name: str) -> None:
        self._opening = Opening(home)
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix=f"flowctl-{name}")
        self._is_closing = False

    def ask(self, question: Callable[[OverviewReader], T]) -> T:
        """Have something read and wait for it; raises what the store raises."""
        return self.submit(question).result()

    def submit(self, question: Callable[[OverviewReader], T]) -> Future[T]:
        """Have something read, without waiting."""
        return self._executor.submit(self._here, question)

    def close(self) -> None:
        """Break off what is being read, let go of what waits, close the connection in its thread, end the thread."""
        self._is_closing = True
        closed = self._executor.submit(self._opening.close)
        while not closed.done():
            # Again and again: a question may have passed the check and not reached the database yet.
            if (reader := self._opening.reader) is not None:
                reader.interrupt()
            wait([closed], timeout=_AGAIN_S)
        self._executor.shutdown()

    def _here(self, question: Callable[[OverviewReader], T]) -> T:
        if self._is_closing:
            raise CancelledError
        return self._opening.here(question)


def _identity_of(path: str) -> _Identity:
    try:
        found = os.stat(path)  # noqa: PTH116 - ten times a second
    except OSError:
        return None
    return found.st_dev, found.st_ino
