"""Locks between processes: `flock` on a file, which the kernel lets go when its holder dies."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Generator
from contextlib import contextmanager
from typing import Final

from flowctl.store.home import Home
from flowctl.store.problems import DaemonWrites, DatabaseBusy
from flowctl.store.sqlite import translated

#: A longer catch-up than this is a stuck one: 10,000 waiting journals take about two seconds.
WRITER_WAIT_S: Final = 10.0
_LOOK_EVERY_S: Final = 0.005
#: Who only looks whether a run lives holds its lock for an instant.
_LOOKING_S: Final = 0.1
#: What a daemon writes into the lock file, so that others see that waiting for it is in vain.
_DAEMON: Final = b"daemon\n"


@contextmanager
def writer_lock(home: Home, *, wait_s: float = WRITER_WAIT_S, as_daemon: bool = False) -> Generator[None, None, None]:
    """Be the one process that may write the database; raise `DatabaseBusy` when that is not to be had.

    Raise `DaemonWrites` at once where a daemon holds it, which it does for its whole life.
    """
    with translated(home.database):
        descriptor = os.open(home.writer_lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        deadline = time.monotonic() + wait_s
        while not _take(descriptor, fcntl.LOCK_EX):
            if os.pread(descriptor, len(_DAEMON), 0) == _DAEMON:
                raise DaemonWrites(home.database)
            if time.monotonic() > deadline:
                raise DatabaseBusy(home.database, wait_s)
            # The kernel knows no wait with an end for flock, but for a signal that would interrupt the program.
            time.sleep(_LOOK_EVERY_S)
        with translated(home.database):
            _sign(descriptor, _DAEMON if as_daemon else b"")
        yield
    finally:
        os.close(descriptor)


@contextmanager
def run_lock_if_free(home: Home, run_id: str) -> Generator[bool, None, None]:
    """Keep the process of a run from starting for a moment; yield False when it runs.

    The lock is shared, so that two who look at once do not take each other for the run process. It conflicts with
    a run of this very process too, since each `open` counts as a holder of its own.
    """
    try:
        descriptor = os.open(home.run_lock(run_id), os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        yield True
        return
    try:
        yield _take(descriptor, fcntl.LOCK_SH)
    finally:
        os.close(descriptor)


def take_at_once(descriptor: int) -> bool:
    """Take a lock for oneself alone; False where somebody holds it, and does not only look."""
    deadline = time.monotonic() + _LOOKING_S
    while not _take(descriptor, fcntl.LOCK_EX):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.001)
    return True


def _take(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _sign(descriptor: int, text: bytes) -> None:
    """Put the holder's kind into the lock file; a daemon that was killed left its own there."""
    if os.fstat(descriptor).st_size:
        os.ftruncate(descriptor, 0)
    if text:
        os.pwrite(descriptor, text, 0)
