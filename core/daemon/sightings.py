"""Walks the watched folders: which Python files there are, which of them are left out and why."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from flowctl.core.daemon.editors import is_wanted
from flowctl.core.engine.local_code import SKIPPED

#: A larger tree is not a place of flows, and no system has watches for it.
MOST_FOLDERS: Final = 20_000
_MOST_LEFT_OUT: Final = 1_000


@dataclass(slots=True, kw_only=True)
class Sighting:
    """What a walk found; paths are real ones."""

    folders: set[str] = field(default_factory=set[str])
    sources: set[str] = field(default_factory=set[str])
    #: Files that are looked after without the others of their folders: named ones, and those that links lead to.
    single: set[str] = field(default_factory=set[str])
    #: Path -> why it is not looked into.
    left_out: dict[str, str] = field(default_factory=dict[str, str])


def look_around(roots: Iterable[str]) -> Sighting:
    """Walk files and folders, those in folders too; installed and hidden ones are passed over."""
    found = Sighting()
    roots = tuple(roots)
    for root in roots:
        if os.path.isdir(root):
            _walk(root, roots, found)
        else:
            found.single.add(root)
            _take(root, found)
    return found


def is_trusted(seen: os.stat_result) -> bool:
    """Tell whether a file is of the user's or the system's: importing others would run what somebody else wrote."""
    return seen.st_uid in (os.geteuid(), 0)


def _walk(root: str, roots: tuple[str, ...], found: Sighting) -> None:
    waiting = [root]
    while waiting:
        folder = waiting.pop()
        if folder in found.folders:
            continue
        if len(found.folders) >= MOST_FOLDERS:
            _leave_out(found, root, f"it has more than {MOST_FOLDERS:,} folders; watch those that hold flows")
            return
        try:
            entries = list(os.scandir(folder))
        except OSError as error:
            _leave_out(found, folder, f"it cannot be read: {error.strerror}")
            continue
        found.folders.add(folder)
        if any(entry.name == "pyvenv.cfg" for entry in entries):
            # A virtual environment, whatever it is called.
            continue
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                if entry.name not in SKIPPED and not entry.name.startswith("."):
                    waiting.append(entry.path)
            elif entry.is_symlink():
                _follow(entry.path, roots, found)
            elif is_wanted(entry.name):
                _take(entry.path, found)


def _follow(link: str, roots: tuple[str, ...], found: Sighting) -> None:
    """Take the file that a link leads to, if that is in a watched folder too; folders there are walked anyway."""
    is_folder = os.path.isdir(link)
    if not is_folder and not is_wanted(link):
        return
    target = os.path.realpath(link)
    if not any(target == root or target.startswith(f"{root}{os.sep}") for root in roots):
        if os.path.exists(target) and (not is_folder or os.path.basename(link) not in SKIPPED):
            _leave_out(found, link, f"it leads out of the watched folders, to {target}; watch that if you want it")
    elif not is_folder and is_wanted(target):
        found.single.add(target)
        _take(target, found)


def _take(path: str, found: Sighting) -> None:
    try:
        seen = os.stat(path)
    except OSError:
        return
    if not stat.S_ISREG(seen.st_mode):
        return
    if not is_trusted(seen):
        _leave_out(found, path, f"it belongs to user id {seen.st_uid}, not to you")
        return
    found.sources.add(path)


def _leave_out(found: Sighting, path: str, why: str) -> None:
    if len(found.left_out) < _MOST_LEFT_OUT:
        found.left_out[path] = why
