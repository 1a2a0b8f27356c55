"""The bottom of the terminal, redrawn in place; what the flow prints appears above it.

Between frames the cursor is visible and stands below the region, so that a process that is killed at any
moment leaves a terminal that needs no repair.
"""

from __future__ import annotations

import builtins
import os
import re
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable
from typing import IO, Any, Final

_START: Final = "\x1b[?2026h\x1b[?25l"
_END: Final = "\x1b[?25h\x1b[?2026l"
#: Escape sequences other than colours, and controls that move the cursor: they would tear the region apart.
_MOVES: Final = (
    r"\x1b(?!\[[0-9;:]*m)(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|.)?"
    r"|[\x00-\x08\x0b-\x1a\x1c-\x1f\x7f-\x9f]"
)
_COLOURS: Final = r"\x1b\[[0-9;:]*m"
#: Printed text that waits for the next frame; beyond it the printing thread waits.
_MOST_WAITING: Final = 2000


class Printed:
    """Stands in for `sys.stdout` or `sys.stderr` on a terminal; lets through, until a region takes what is printed."""

    def __init__(self, stream: IO[str]) -> None:
        self.region: Region | None = None
        self._stream = stream

    def write(self, text: str) -> int:
        region = self.region
        if region is None or region.is_lent:
            return self._stream.write(text)
        region.printed.append(text)
        if len(region.printed) > _MOST_WAITING:
            region.make_room()
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        if self.region is None or self.region.is_lent:
            self._stream.flush()

    def __getattr__(self, name: str) -> Any:  # all else is the real stream's
        return getattr(self._stream, name)


def stand_in() -> list[Printed]:
    """Replace the standard streams that are terminals, once; early, since log handlers remember what they find."""
    found: list[Printed] = []
    for name in ("stdout", "stderr"):
        stream: Any = getattr(sys, name)
        if stream is None or not stream.isatty():
            continue
        if not isinstance(stream, Printed):
            stream = Printed(stream)
            setattr(sys, name, stream)
        found.append(stream)
    return found


class Region:
    """Some lines at the bottom of one terminal."""

    def __init__(self, stream: IO[str]) -> None:
        self.printed: deque[str] = deque()
        #: True while somebody reads from the keyboard.
        self.is_lent = False
        self._stream = stream
        self._lock = threading.RLock()
        self._widths: list[int] = []
        self._partial = ""
        self._taken_over: list[Printed] = []
        self._input: Callable[..., str] = builtins.input

    def open(self) -> None:
        """Take over what is printed and what asks for input; the first frame comes with `draw`."""
        self._taken_over = stand_in()
        for stream in self._taken_over:
            stream.region = self
        self._input = builtins.input
        builtins.input = self._ask

    def close(self) -> None:
        """Let the streams through again, and write what still waits."""
        with self._lock:
            builtins.input = self._input
            for stream in self._taken_over:
                stream.region = None
            self._taken_over.clear()
            rest = [*self._taken(), *([_tamed(self._partial)] if self._partial else [])]
            self._partial = ""
            if rest:
                self._write("".join(f"{line}\n" for line in rest))

    def size(self) -> tuple[int, int]:
        """Give columns and lines; COLUMNS may make it narrower, never wider than it is."""
        try:
            columns, lines = os.get_terminal_size(self._stream.fileno())
        except (OSError, ValueError):
            columns, lines = 80, 24
        wanted = os.environ.get("COLUMNS", "")
        if wanted.isdigit() and int(wanted) > 0:
            columns = min(columns, int(wanted)) if columns else int(wanted)
        return max(columns or 80, 20), max(lines or 24, 3)

    def draw(self, lines: list[str], widths: list[int]) -> None:
        """Put what was printed above, and the lines in the place of the last ones."""
        with self._lock:
            if self.is_lent:
                return
            above = self._taken()
            if self._partial:
                from rich.cells import cell_len, set_cell_size

                shown = _tamed(self._partial)
                shown = set_cell_size(re.sub(_COLOURS, "", shown), min(cell_len(shown), self.size()[0] - 1))
                lines, widths = [shown, *lines], [cell_len(shown), *widths]
            body = "".join(f"{line}\x1b[K\n" for line in (*above, *lines))
            self._write(f"{_START}{self._home()}{body}\x1b[J{_END}")
            self._widths = widths

    def finish(self, lines: list[str]) -> None:
        """Write what was printed, then the last lines, which stay; give the streams back."""
        with self._lock:
            above = [*self._taken(), *([_tamed(self._partial)] if self._partial else [])]
            self._partial = ""
            body = "".join(f"{line}\x1b[K\n" for line in (*above, *lines))
            self._write(f"{_START}{self._home()}{body}\x1b[J{_END}")
            self._widths = []
            self.close()

    def forget(self, *_: object) -> None:
        """Leave what is on the screen: after a stop, the shell has written below it."""
        self._widths = []

    def make_room(self) -> None:
        """Write out what waits, from the thread that prints too much."""
        with self._lock:
            if not self.is_lent and len(self.printed) > _MOST_WAITING:
                self._write(self._home() + "".join(f"{line}\x1b[K\n" for line in self._taken()) + "\x1b[J")
                self._widths = []

    def _ask(self, *prompt: Any) -> str:
        """Stand in for `input`: the region leaves the screen until the answer is there."""
        with self._lock:
            self._write(self._home() + "".join(f"{line}\x1b[K\n" for line in self._taken()) + "\x1b[J" + self._partial)
            self._widths, self._partial, self.is_lent = [], "", True
        try:
            return self._input(*prompt)
        finally:
            self.is_lent = False

    def _home(self) -> str:
        """Move to the first line of the region; a terminal that became narrower has folded its lines."""
        columns = self.size()[0]
        rows = sum(max(-(-width // columns), 1) for width in self._widths)
        return f"\r\x1b[{rows}A" if rows else "\r"

    def _taken(self) -> list[str]:
        """Take the whole lines that were printed since."""
        parts: list[str] = []
        while self.printed:
            parts.append(self.printed.popleft())
        if not parts:
            return []
        *whole, self._partial = (self._partial + "".join(parts)).split("\n")
        return [_tamed(line) for line in whole]

    def _write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()


def _tamed(line: str) -> str:
    """Keep a printed line's text and colours, drop what moves the cursor; of a progress bar keep its last look."""
    if line.isprintable():
        return line
    line = line.rstrip("\r").rpartition("\r")[2].expandtabs()
    line = re.sub(_MOVES, "", line)
    return f"{line}\x1b[0m" if "\x1b" in line else line
