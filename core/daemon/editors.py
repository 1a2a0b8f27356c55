"""Makes one save out of what an editor does to a file: writes in place, renames, backups, touches, half a file first.

What counts is the content. A file that is gone, empty or no valid Python may be one that is just being written, so
such a change is held back for a moment.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable
from typing import Final, NamedTuple

#: Watchers put events together until there was none for so long; editors write, rename and chmod within it.
QUIET_S: Final = 0.04
#: Of a long burst (a checkout of a thousand files) the first part is told after so long.
BURST_S: Final = 0.4
#: How long the second half of a file is waited for; some editors take 0.3 s.
HALF_S: Final = 0.35


class Save(NamedTuple):
    """A file whose content changed."""

    path: str
    #: None: it is gone, or cannot be read.
    digest: str | None


class Saves:
    """The files somebody is interested in, with the content they last had."""

    def __init__(self, is_half: Callable[[str, bytes | None], bool]) -> None:
        self._is_half = is_half
        self._known: dict[str, str | None] = {}
        #: Changed to something that may be half a file -> when that was first seen.
        self._held: dict[str, float] = {}

    def know(self, paths: Iterable[str]) -> None:
        """Take files as they are now for unchanged, those not known yet."""
        for path in paths:
            if path not in self._known:
                self._known[path] = digest_of(path)

    def remember(self, path: str, digest: str | None) -> None:
        """Take a content that somebody has read for the last one."""
        self._known[path] = digest
        self._held.pop(path, None)

    def forget(self, paths: Iterable[str]) -> None:
        """Take no interest in files any more."""
        for path in paths:
            self._known.pop(path, None)
            self._held.pop(path, None)

    def __contains__(self, path: object) -> bool:
        return path in self._known

    def settled(self, touched: Iterable[str], now_s: float) -> list[Save]:
        """Tell which files were saved: of those touched now, and of those held back before."""
        found: list[Save] = []
        for path in dict.fromkeys((*touched, *self._held)):
            content = read_content(path)
            digest = None if content is None else hashlib.sha256(content).hexdigest()
            if digest == self._known.get(path):
                self._held.pop(path, None)
                continue
            since = self._held.setdefault(path, now_s)
            if now_s >= since + HALF_S or not self._is_half(path, content):
                del self._held[path]
                self._known[path] = digest
                found.append(Save(path, digest))
        return found

    def wait_s(self, now_s: float) -> float | None:
        """Tell after how long held files are to be looked at again."""
        if not self._held:
            return None
        return max(min(self._held.values()) + HALF_S - now_s, 0.0)


def is_empty(_path: str, content: bytes | None) -> bool:
    """Tell whether there is nothing: the file may be in the midst of being written or replaced."""
    return not content


def may_be_half(path: str, content: bytes | None) -> bool:
    """Tell whether a content looks like one that an editor has not finished: nothing, or no valid Python."""
    if not content:
        return True
    if not path.endswith(".py"):
        return False
    try:
        compile(content, path, "exec", dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return True
    return False


def read_content(path: str) -> bytes | None:
    """Read a file; None where it is not there, is no regular file or must not be read."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError:
        return None
    try:
        with open(descriptor, "rb") as file:
            return file.read(MOST_BYTES + 1)
    except OSError:
        return None


def digest_of(path: str) -> str | None:
    """Give the hash of a file's content."""
    content = read_content(path)
    return None if content is None else hashlib.sha256(content).hexdigest()


def is_wanted(path: str) -> bool:
    """Tell whether a path may be a file that says something about flows: a source, or a settings file."""
    return os.path.basename(path) in ("flowctl.toml", "pyproject.toml") or is_source(path)


def is_source(path: str) -> bool:
    """Tell whether a path may be a Python file of the user's: no editor's lock, backup or swap file."""
    name = os.path.basename(path)
    return name.endswith(".py") and not name.startswith((".", "#"))


#: No source is longer; what is, is cut there and compared by its beginning.
MOST_BYTES: Final = 16 << 20
