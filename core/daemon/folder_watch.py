"""Wakes whoever waits for a file to appear in a folder: inotify on Linux, kqueue on macOS; elsewhere they have to look.

watchfiles does this too, by a thread that wakes up several times a second: too much for an idle daemon.
"""

from __future__ import annotations

import os
import select
import sys
from typing import Final

_IN_CLOEXEC: Final = os.O_CLOEXEC
_IN_NONBLOCK: Final = os.O_NONBLOCK
# Created, moved in, deleted.
_IN_EVENTS: Final = 0x100 | 0x80 | 0x200
_IN_WRITTEN: Final = 0x2


class FolderWatch:
    """A descriptor that is readable when something happened in the folder."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor

    def drain(self) -> None:
        """Take note of what happened."""
        try:
            while os.read(self.descriptor, 1 << 16):
                pass
        except BlockingIOError:
            pass

    def close(self) -> None:
        os.close(self.descriptor)


def watch_folder(path: str, *, has_writes: bool = False) -> FolderWatch | None:
    """Begin to watch a folder, and if asked the files in it for being written to.

    None where the system has no way, or no room left for one more.
    """
    try:
        if sys.platform == "linux":
            return _inotify(path, _IN_EVENTS | _IN_WRITTEN if has_writes else _IN_EVENTS)
        if sys.platform == "darwin" and not has_writes:
            return _Kqueue(path)
    except OSError:
        pass
    return None


def _inotify(path: str, events: int) -> FolderWatch | None:
    import ctypes

    library = ctypes.CDLL(None, use_errno=True)
    descriptor: int = library.inotify_init1(_IN_CLOEXEC | _IN_NONBLOCK)
    if descriptor < 0:
        return None
    if library.inotify_add_watch(descriptor, os.fsencode(path), events) < 0:
        os.close(descriptor)
        return None
    return FolderWatch(descriptor)


if sys.platform == "darwin":

    class _Kqueue(FolderWatch):
        def __init__(self, path: str) -> None:
            self._folder = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            self._queue = select.kqueue()
            super().__init__(self._queue.fileno())
            event = select.kevent(
                self._folder,
                filter=select.KQ_FILTER_VNODE,
                flags=select.KQ_EV_ADD | select.KQ_EV_CLEAR,
                fflags=select.KQ_NOTE_WRITE,
            )
            self._queue.control([event], 0, 0)

        def drain(self) -> None:
            self._queue.control(None, 16, 0)

        def close(self) -> None:
            self._queue.close()
            os.close(self._folder)
