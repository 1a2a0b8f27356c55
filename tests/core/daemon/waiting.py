"""Waiting for a condition, with an end."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeVar

#: Far more than anything takes, on a machine that is busy with other things.
DEADLINE_S: Final = 20.0
#: What a daemon's log holds when something happened that nobody foresaw.
PROBLEM_WORDS: Final = ("Traceback", "exception was never retrieved", "RuntimeWarning")

T = TypeVar("T")


def until(condition: Callable[[], T | None], what: str, *, within_s: float = DEADLINE_S) -> T:
    """Wait until a condition gives something; fail with `what` was waited for."""
    deadline = time.monotonic() + within_s
    while True:
        found = condition()
        if found:
            return found
        assert time.monotonic() < deadline, f"waited {within_s:g} s in vain for: {what}"
        time.sleep(0.005)


def once(condition: Callable[[], bool], what: str, *, within_s: float = DEADLINE_S) -> None:
    """Wait until a condition holds."""
    until(lambda: condition() or None, what, within_s=within_s)


def names(folder: str) -> list[str]:
    """List what is in a folder, in order; nothing where there is none."""
    path = Path(folder)
    return sorted(each.name for each in path.iterdir()) if path.is_dir() else []
