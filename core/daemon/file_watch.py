"""Watches folders with watchfiles, in a thread of its own, and tells which files something was done to.

Each folder is watched by itself, not what is below it: nobody pays for the thousands of folders of a virtual
environment. Where the system has no watches left, or none that work, folders are polled, and that is said.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterable
from typing import Final

from watchfiles._rust_notify import RustNotify, WatchfilesRustInternalError

from flowctl.core.daemon.editors import BURST_S, QUIET_S
from flowctl.core.daemon.file_systems import is_remote

#: A watch that is not told of by the system looks so often.
POLL_S: Final = 0.3
#: Polling takes at most one part in so many of the time.
_SHARE: Final = 30
#: Larger bursts may have overflowed the queue of the system (16,384 events by default): some were not told.
OVERFLOW_EVENTS: Final = 4_000
_TIMEOUT_MS: Final = 60_000

Notice = Callable[[set[str], bool], None]


class FileWatch:
    """Tells `notice(paths, is_all)`, from its thread; with `is_all`, anything may have changed."""

    def __init__(self, notice: Notice, *, force_polling: bool = False) -> None:
        #: Why it polls; None when the system tells of changes.
        self.warning: str | None = None
        self._notice = notice
        self._force_polling = force_polling or bool(os.environ.get("WATCHFILES_FORCE_POLLING"))
        self._folders: frozenset[str] = frozenset()
        self._watching: _Watching | _Polling | None = None

    @property
    def folders(self) -> frozenset[str]:
        return self._folders

    def watch(self, folders: Iterable[str]) -> bool:
        """Watch these folders, in the place of those before, and tell whether they are others.

        What happened in a new folder before this returns is not told: look at it afterwards.
        """
        wanted = frozenset(folder for folder in folders if os.path.isdir(folder))
        if wanted == self._folders and (self._watching is None or self._watching.is_alive):
            return False
        former = self._watching
        # The new one listens before the old one ends; what both tell is told twice, which changes nothing.
        self._watching = self._begin(wanted) if wanted else None
        self._folders = wanted
        if former is not None:
            former.stop()
        return True

    def close(self) -> None:
        """End the thread."""
        if self._watching is not None:
            self._watching.stop()
            self._watching = None
        self._folders = frozenset()

    def _begin(self, folders: frozenset[str]) -> _Watching | _Polling:
        reason = "WATCHFILES_FORCE_POLLING is set" if self._force_polling else _reason_to_poll(folders)
        if reason is None:
            try:
                watching = _Watching(folders, self._notice)
            except (OSError, WatchfilesRustInternalError) as error:
                reason = _worded(error)
            else:
                self.warning = None
                return watching
        self.warning = f"Files are looked at every {POLL_S:g} s instead of being watched: {reason}."
        return _Polling(folders, self._notice)


def can_watch(folder: str) -> str | None:
    """Try to watch a folder; say why the system does not, if it does not."""
    if (reason := _reason_to_poll(frozenset({folder}))) is not None:
        return reason
    try:
        _watcher_of([folder]).close()
    except (OSError, WatchfilesRustInternalError) as error:
        return _worded(error)
    return None


class _Watching:
    """One set of folders, its watcher and its thread."""

    def __init__(self, folders: frozenset[str], notice: Notice) -> None:
        self._notice = notice
        self._is_stopping = threading.Event()
        self._watcher = _watcher_of(folders)
        self._thread = threading.Thread(target=self._loop, name="flowctl files", daemon=True)
        self._thread.start()

    @property
    def is_alive(self) -> bool:
        return self._thread.is_alive()

    def stop(self) -> None:
        self._is_stopping.set()

    def _loop(self) -> None:
        with self._watcher:
            while not self._is_stopping.is_set():
                told = self._watcher.watch(int(BURST_S * 1000), int(QUIET_S * 1000), _TIMEOUT_MS, self._is_stopping)
                if isinstance(told, set):
                    self._notice({path for _, path in told}, len(told) >= OVERFLOW_EVENTS)


class _Polling:
    """One set of folders that is looked at again and again: watchfiles would miss what happens within a second."""

    def __init__(self, folders: frozenset[str], notice: Notice) -> None:
        self._folders = sorted(folders)
        self._notice = notice
        self._is_stopping = threading.Event()
        self._seen = self._scan()
        self._thread = threading.Thread(target=self._loop, name="flowctl files", daemon=True)
        self._thread.start()

    @property
    def is_alive(self) -> bool:
        return self._thread.is_alive()

    def stop(self) -> None:
        self._is_stopping.set()

    def _loop(self) -> None:
        wait_s = POLL_S
        while not self._is_stopping.wait(wait_s):
            began = time.monotonic()
            seen = self._scan()
            # On a large or slow disk it must not be busy all the time.
            wait_s = max(POLL_S, (time.monotonic() - began) * _SHARE)
            changed = {path for path, _ in seen.items() ^ self._seen.items()}
            self._seen = seen
            if changed:
                self._notice(changed, False)

    def _scan(self) -> dict[str, tuple[int, int, int]]:
        found: dict[str, tuple[int, int, int]] = {}
        for folder in self._folders:
            try:
                entries = list(os.scandir(folder))
            except OSError:
                continue
            for entry in entries:
                try:
                    seen = entry.stat()
                except OSError:
                    continue
                # A folder changes with each of its files, which are told themselves.
                is_folder = entry.is_dir()
                found[entry.path] = (
                    0 if is_folder else seen.st_mtime_ns,
                    0 if is_folder else seen.st_size,
                    seen.st_ino,
                )
        return found


def _watcher_of(folders: Iterable[str]) -> RustNotify:
    # Told to ignore folders that it may not read, it would not tell of watches that it did not get either.
    readable = sorted(folder for folder in folders if os.access(folder, os.R_OK | os.X_OK))
    try:
        return RustNotify(readable, False, False, 0, False, False)
    except FileNotFoundError:
        # One went in this very moment.
        return RustNotify([folder for folder in readable if os.path.isdir(folder)], False, False, 0, False, False)


def _reason_to_poll(folders: frozenset[str]) -> str | None:
    for folder in sorted(folders):
        if (kind := is_remote(folder)) is not None:
            return f"{folder} is on a file system of type {kind}, which does not tell of every change"
    return None


def _worded(error: Exception) -> str:
    # Of watches, and of watchers; ENOSPC and EMFILE come with these words.
    if any(word in str(error) for word in ("limit", "os error 28", "os error 24", "No space left", "Too many open")):
        return (
            "the system has no file watches left (raise them: `sudo sysctl fs.inotify.max_user_watches=524288 "
            "fs.inotify.max_user_instances=1024`)"
        )
    return f"the system does not watch them ({error})"
