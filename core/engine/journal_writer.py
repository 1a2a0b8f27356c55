"""The run process's end of the journal: appends records, each safe against SIGKILL when `append` returns.

The file is mapped into memory, so that an append is a copy into the page cache: no system call, no switch of
threads, and the kernel keeps the bytes whatever happens to the process. Room is reserved (with real disk blocks)
ahead of the records, so that a full disk shows as an error here and never as a fault inside a copy. Where the
platform cannot reserve, records are written with plain `write`.
"""

from __future__ import annotations

import os
import sys
from _thread import allocate_lock, start_new_thread
from collections.abc import Callable
from mmap import mmap
from typing import TYPE_CHECKING, Final

from flowctl.core.engine.locks import take
from flowctl.store.journal import FlowRunState, encode
from flowctl.store.states import FINAL

if TYPE_CHECKING:
    from flowctl.store.journal import Record

_FIRST_ROOM: Final = 32 * 1024
_MOST_ROOM: Final = 4 * 1024 * 1024
#: Kept free for the last words of a run on a full disk.
_RESERVE: Final = 8 * 1024
#: A power cut may lose the ordinary records of this last time (durability level D1 in docs/running.md).
SYNC_EVERY_S: Final = 1.0


class JournalUnwritable(Exception):
    """The disk does not take another record."""

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(
            f"The run cannot go on, because its journal {path} cannot be written: {problem}. "
            "What was recorded so far is safe. Make room, then go on with `flowctl runs retry`."
        )


class JournalWriter:
    """Appends records to one new journal file; any thread may."""

    def __init__(self, path: str, first_sequence: int = 0) -> None:
        self.path = path
        self.observers: list[Callable[[Record], None]] = []
        self._lock = allocate_lock()
        self._sequence = first_sequence
        self._end = 0
        self._room = 0
        self._map: mmap | None = None
        self._synced = 0
        self._closed = False
        self._sync_lock = allocate_lock()
        try:
            self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise JournalUnwritable(path, error.strerror or str(error)) from error
        _keep_synced(self)

    def append(self, record: Record) -> None:
        """Record what happened; it is safe against the death of this process when this returns."""
        take(self._lock)
        try:
            if self._closed:
                return
            data = encode(self._sequence, record)
            end = self._end + len(data)
            if end + _RESERVE > self._room:
                self._extend(end, record)
            if self._map is not None:
                self._map[self._end : end] = data
            else:
                os.pwrite(self._fd, data, self._end)
            self._sequence += 1
            self._end = end
        finally:
            self._lock.release()
        for observer in self.observers:
            observer(record)

    @property
    def next_sequence(self) -> int:
        return self._sequence

    def sync(self) -> None:
        """Put everything appended so far on the disk (durability level D2)."""
        with self._sync_lock:
            end = self._end
            if end == self._synced or self._closed:
                return
            if self._map is not None and sys.platform != "linux":
                self._map.flush()  # Linux writes mapped pages with fdatasync, others need msync
            if sys.platform == "darwin":
                import fcntl

                fcntl.fcntl(self._fd, fcntl.F_FULLFSYNC)
            else:
                os.fdatasync(self._fd)
            self._synced = end

    def close(self) -> None:
        """Sync, give back the room that was not needed, and close; later records are dropped."""
        self.sync()
        with self._lock, self._sync_lock:
            if self._closed:
                return
            self._closed = True
            _open.discard(self)
            if self._map is not None:
                self._map.close()
                self._map = None
            os.ftruncate(self._fd, self._end)
            os.close(self._fd)

    def abandon(self) -> None:
        """Stop writing, in a child that was forked from the run process: the journal is not the child's."""
        self._lock = allocate_lock()
        self._closed = True

    def _extend(self, end: int, record: Record) -> None:
        """Reserve room; without it, only a flow run's end is still taken, if it fits into the reserve."""
        room = max(self._room, min(max(self._room * 2, _FIRST_ROOM), self._room + _MOST_ROOM))
        while room < end + _RESERVE:
            room += _MOST_ROOM
        try:
            if sys.platform == "linux":
                os.posix_fallocate(self._fd, self._room, room - self._room)
            else:
                self._room = room
                return
        except OSError as error:
            if end <= self._room and isinstance(record, FlowRunState) and record.type in FINAL:
                return
            raise JournalUnwritable(self.path, error.strerror or str(error)) from error
        if self._map is None:
            self._map = mmap(self._fd, room)
        else:
            self._map.resize(room)
        self._room = room


#: Called by the thread that syncs, once a second while a journal is open.
each_second: Final[list[Callable[[], None]]] = []
_open: Final[set[JournalWriter]] = set()
_syncing = False


def _keep_synced(writer: JournalWriter) -> None:
    global _syncing
    _open.add(writer)
    if not _syncing:
        _syncing = True
        start_new_thread(_sync_in_background, ())


def _sync_in_background() -> None:
    global _syncing
    gate = allocate_lock()
    gate.acquire()
    while True:
        gate.acquire(timeout=SYNC_EVERY_S)
        for act in tuple(each_second):
            act()
        for writer in tuple(_open):
            try:
                writer.sync()
            except OSError:
                continue  # the next append or the final sync reports it


def _leave_to_parent() -> None:
    global _syncing
    for writer in tuple(_open):
        writer.abandon()
    _open.clear()
    _syncing = False


os.register_at_fork(after_in_child=_leave_to_parent)
