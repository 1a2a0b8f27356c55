"""Threads that each own one connection: what they read leaves them as frozen rows, the connection never does."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor, wait
from typing import Final, TypeVar

from flowctl.store.home import Home, HomeUnusable
from flowctl.store.overview import OverviewReader
from flowctl.store.problems import (
    DatabaseDamaged,
    DatabaseTooNew,
    DatabaseTooOld,
    DatabaseUnreadable,
    DatabaseUnwritable,
)
from flowctl.store.sqlite import file_identity

T = TypeVar("T")
#: A person looks on: another process that holds the database for longer is told of, and the next look is a new try.
BUSY_S: Final = 1.0
_NEVER: Final = (-1, -1)
_AGAIN_S: Final = 0.02
#: What a connection does not get over by itself, even when the cause is gone.
_LASTING: Final = (DatabaseDamaged, DatabaseTooNew, DatabaseTooOld, DatabaseUnreadable, DatabaseUnwritable)


class Opening:
    """A connection to whatever database stands in its place now; it stays in the thread that asks."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._identity: tuple[int, int] | None = _NEVER
        self.reader: OverviewReader | None = None
        #: Goes up each time the database was opened.
        self.opened = 0

    def here(self, question: Callable[[OverviewReader], T]) -> T:
        """Have something read; raises what the store raises."""
        identity = file_identity(self._home.database)
        before = reader = self.reader
        if reader is None or identity != self._identity or (identity and not reader.is_real):
            self.close()
            self.reader = reader = OverviewReader.open(self._home, busy_s=BUSY_S)
            # While it is being made, one empty stand-in is like the other.
            if before is None or before.is_real or reader.is_real:
                self.opened += 1
            self._identity = identity
        try:
            return question(reader)
        except _LASTING:
            self.close()
            raise
        except OSError as error:
            raise HomeUnusable.by(self._home.path, error) from error
        except ValueError as error:
            if not _is_of_a_row(error):
                raise
            raise DatabaseDamaged(self._home.database, str(error)) from error

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

    def let_go(self) -> None:
        """Close the connection soon: all of a process share some of what one knows of a file."""
        if not self._is_closing:
            self._executor.submit(self._opening.close)

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


def _is_of_a_row(error: ValueError) -> bool:
    """Tell whether the store raised it, which means that something stands in a column that nobody of us writes."""
    names: list[str] = []
    place = error.__traceback__
    while place is not None:
        names.append(str(place.tb_frame.f_globals.get("__name__")))
        place = place.tb_next
    own = [name for name in names if name.startswith("flowctl.")]
    return own[-1].startswith("flowctl.store.")
