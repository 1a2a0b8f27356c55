"""Wakes the thread that reads: at once when the files of a home change or somebody asks something, else not at all."""

from __future__ import annotations

import os
import select
from contextlib import suppress
from typing import Final

from flowctl.core.daemon.folder_watch import FolderWatch, watch_folder
from flowctl.store.home import Home

_MUCH: Final = 1 << 12


class Alarm:
    """One that rests can be woken by `ring`, one that waits by a change of the files too."""

    def __init__(self) -> None:
        self._ears, self._bell = os.pipe()
        os.set_blocking(self._ears, False)
        os.set_blocking(self._bell, False)
        self._is_closed = False
        #: Of each folder that is watched: which one it was.
        self._watches: dict[str, tuple[int, FolderWatch]] = {}

    def watch(self, home: Home) -> bool:
        """Begin to watch a home, as far as there is one yet; tell whether a change of it wakes who waits."""
        # Those who write go by the folder of the database; a run that has just begun, by a mark of its own.
        return all([self._watch(home.path, has_writes=True), self._watch(home.active, has_writes=False)])

    def ring(self) -> None:
        """Wake whoever rests or waits, or does so next; the thread that closes it in the end may ring."""
        if not self._is_closed:
            with suppress(BlockingIOError):  # so often has it rung already
                os.write(self._bell, b"!")

    def rest(self, seconds: float) -> bool:
        """Do nothing for a while, unless it rings; tell whether it did."""
        return self._wait(seconds, []) and self._take_rings()

    def wait(self, seconds: float) -> bool:
        """Do nothing until it rings or the files change, or for a while; tell whether something woke it."""
        watches = [watch for _, watch in self._watches.values()]
        is_woken = self._wait(seconds, watches)
        if is_woken:
            self._take_rings()
            for watch in watches:
                watch.drain()
        return is_woken

    def close(self) -> None:
        """Let go of everything, once nobody rests or waits any more."""
        self._is_closed = True
        for _, watch in self._watches.values():
            watch.close()
        self._watches.clear()
        os.close(self._ears)
        os.close(self._bell)

    def _watch(self, path: str, *, has_writes: bool) -> bool:
        known = self._watches.get(path)
        try:
            inode = os.stat(path).st_ino  # noqa: PTH116 - the store speaks in text paths
        except OSError:
            return known is not None
        if known is not None and known[0] == inode:
            return True
        if known is not None:
            known[1].close()
            del self._watches[path]
        watch = watch_folder(path, has_writes=has_writes)
        if watch is None:
            return False
        self._watches[path] = (inode, watch)
        return True

    def _wait(self, seconds: float, watches: list[FolderWatch]) -> bool:
        poll = select.poll()
        poll.register(self._ears, select.POLLIN)
        for watch in watches:
            poll.register(watch.descriptor, select.POLLIN)
        return bool(poll.poll(seconds * 1000))

    def _take_rings(self) -> bool:
        with suppress(BlockingIOError):
            return bool(os.read(self._ears, _MUCH))
        return False
