"""The bottom of the terminal, redrawn in place; what the flow prints appears above it.

Between frames the cursor is visible and stands below the region, so that a process that is killed at any
moment leaves a terminal that needs no repair.
"""

from __future__ import annotations

import builtins
import os
import re
import signal
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import IO, Any, Final

from flowctl.core.cli.display_capture import Capture
from flowctl.core.cli.display_printed import Printed, stand_in

_START: Final = "\x1b[?2026h\x1b[?25l"
_END: Final = "\x1b[?25h\x1b[?2026l"
#: Escape sequences other than colours, and controls that move the cursor: they would tear the region apart.
_MOVES: Final = (
    r"\x1b(?!\[[0-9;:]*m)(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|.)?"
    r"|[\x00-\x08\x0b-\x1a\x1c-\x1f\x7f-\x9f]"
)
_COLOURS: Final = r"\x1b\[[0-9;:]*m"
#: What is printed later than this after the last draw is shown at once: the process may not live to the next frame.
_AT_ONCE_S: Final = 0.02
#: Printed text that waits for the next frame; beyond it the printing thread writes it out.
_MOST_WAITING: Final = 2000


class Region:
    """Some lines at the bottom of one terminal."""

    def __init__(self, stream: IO[str]) -> None:
        self.printed: deque[str] = deque()
        #: True while somebody reads from the keyboard.
        self.is_lent = False
        #: Forked children have a copy of this object, but not the terminal.
        self.process_id = os.getpid()
        self._stream = stream
        self._capture = Capture(self.take)
        self._lock = threading.RLock()
        #: The last frame: its lines and their widths.
        self._frame: tuple[list[str], list[int]] = ([], [])
        #: Widths of what stands on the screen: the frame, and an unfinished printed line above it.
        self._widths: list[int] = []
        self._partial = ""
        self._drawn_at = 0.0
        self._is_open = False
        self._taken_over: list[Printed] = []
        self._input: Callable[..., str] = builtins.input

    def open(self) -> None:
        """Take over what is printed and what asks for input; the first frame comes with `draw`."""
        self._is_open = True
        self._taken_over = stand_in()
        for stream in self._taken_over:
            stream.region = self
        self._stream = self._capture.start(self._stream)
        self._input = builtins.input
        builtins.input = self._ask
        if threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGCONT) is signal.SIG_DFL:
            signal.signal(signal.SIGCONT, self._forget)

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

    def take(self, text: str) -> None:
        """Take what was printed, from whatever thread."""
        self.printed.append(text)
        is_late = time.monotonic() - self._drawn_at > _AT_ONCE_S and "\n" in text
        if (is_late or len(self.printed) > _MOST_WAITING) and self._lock.acquire(blocking=not is_late):
            try:
                if self._is_open and not self.is_lent:
                    self._put(*self._frame)
                elif not self._is_open:  # a child that outlives the display
                    self._write("".join(self._taken_raw()))
            except (OSError, ValueError):  # the terminal is gone: the flow's `print` must not fail of it
                pass
            finally:
                self._lock.release()

    def draw(self, lines: list[str], widths: list[int]) -> None:
        """Put the lines in the place of the last ones."""
        with self._lock:
            if self._is_open and not self.is_lent:
                self._put(lines, widths)

    def finish(self, lines: list[str]) -> None:
        """Draw the last lines, which stay; give terminal and streams back."""
        self._capture.stop()
        with self._lock:
            if not self._is_open:
                return
            self._is_open = False
            builtins.input = self._input
            for stream in self._taken_over:
                stream.region = None
            self._taken_over.clear()
            above = [*self._taken(), *([_tamed(self._partial)] if self._partial else [])]
            body = "".join(f"{line}\x1b[K\n" for line in (*above, *lines))
            self._write(f"{_START}{self._home()}{body}\x1b[J{_END}")
            self._partial, self._frame, self._widths = "", ([], []), []

    def close(self) -> None:
        """Take the region off the screen; give terminal and streams back."""
        self.finish([])

    def _forget(self, *_: object) -> None:
        """Leave what is on the screen: after a stop, the shell has written below it."""
        self._widths = []

    def _put(self, lines: list[str], widths: list[int]) -> None:
        above = self._taken()
        shown: list[str] = []
        shown_widths: list[int] = []
        if self._partial:
            from rich.cells import cell_len, set_cell_size

            bare = re.sub(_COLOURS, "", _tamed(self._partial))
            shown_widths = [min(cell_len(bare), self.size()[0] - 1)]
            shown = [set_cell_size(bare, shown_widths[0])]
        body = "".join(f"{line}\x1b[K\n" for line in (*above, *shown, *lines))
        self._write(f"{_START}{self._home()}{body}\x1b[J{_END}")
        self._frame, self._widths = (lines, widths), [*shown_widths, *widths]
        self._drawn_at = time.monotonic()

    def _ask(self, *prompt: Any) -> str:
        """Stand in for `input`: the region leaves the screen until the answer is there."""
        self._capture.suspend()
        with self._lock:
            above = "".join(f"{line}\x1b[K\n" for line in self._taken())
            self._write(f"{self._home()}{above}\x1b[J{self._partial}")
            self._widths, self._partial, self.is_lent = [], "", True
        try:
            return self._input(*prompt)
        finally:
            self.is_lent = False
            self._capture.resume()

    def _home(self) -> str:
        """Move to the first line of the region; a terminal that became narrower has folded its lines."""
        columns = self.size()[0]
        rows = sum(max(-(-width // columns), 1) for width in self._widths)
        return f"\r\x1b[{rows}A" if rows else "\r"

    def _taken_raw(self) -> list[str]:
        parts: list[str] = []
        while self.printed:
            parts.append(self.printed.popleft())
        return parts

    def _taken(self) -> list[str]:
        """Take the whole lines that were printed since."""
        parts = self._taken_raw()
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
