"""What `flowctl dev` itself writes between runs: what it waits for, and a problem that stays until the next save."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from flowctl.core.cli.display_errors import short_path
from flowctl.core.cli.display_streams import is_ascii, is_live, wants_colour
from flowctl.core.cli.display_words import Glyphs, Line, plural
from flowctl.store.text import safe_text

if TYPE_CHECKING:
    from rich.console import Console

#: So many changed files are named.
_MOST_NAMED: Final = 3
_RULE: Final = 2


class DevScreen:
    """Standard output between two runs; on a terminal, what is only true until the next save is taken off again."""

    def __init__(self) -> None:
        self.is_live = is_live(sys.stdout)
        self._glyphs = Glyphs(is_ascii=is_ascii(sys.stdout))
        self._console: Console | None = None
        #: Widths of the rows that are to be taken off.
        self._widths: list[int] = []

    def waiting(self, count: int, warning: str | None) -> None:
        """Say that the next save is waited for."""
        line: Line = [(self._glyphs.plain("── "), "dim"), (f"watching {plural(count, 'file')}", "dim")]
        line.append((f"{self._dot()}save one to run again{self._dot()}ctrl+c ends", "dim"))
        self._put([*([[(warning, "WARNING")]] if warning else []), line])

    def problem(self, lines: Sequence[Line]) -> None:
        """Show what keeps the flow from running."""
        self._put([[], *lines, []])

    def died(self, code: int | None) -> None:
        """Say that the process of the run ended under it."""
        how = f"ended with exit status {code}"
        if code is not None and code < 0:
            how = f"was killed by {signal.Signals(-code).name}"
        self.say([("Error: ", "failed"), (f"the process of the run {how}; `flowctl runs show -` shows its run.", "")])

    def saved(self, paths: Sequence[str]) -> None:
        """Say why it runs again, or cannot."""
        line: Line = [(self._glyphs.plain("─" * _RULE) + " ", "dim")]
        there = [path for path in paths if Path(path).exists()]
        gone = [path for path in paths if path not in there]
        for named, what in ((there, " saved"), (gone, " gone")):
            if named:
                line += [(", ", "dim")] if len(line) > 1 else []
                line += [(_names(named), "own"), (what, "dim")]
        self.say([*line, (f"{self._dot()}{time.strftime('%H:%M:%S')}", "dim")])

    def say(self, line: Line) -> None:
        """Write a line that stays, in the place of what was only to be seen until now."""
        self.wipe()
        self._write([line])

    def wipe(self) -> None:
        """Take off what was only to be seen until now."""
        if not self._widths:
            return
        columns, height = _size()
        rows = sum(max(-(-width // columns), 1) for width in self._widths)
        self._widths = []
        # What has left the screen at the top cannot be taken back; then it all stays.
        if rows < height:
            sys.stdout.write(f"\r\x1b[{rows}A\x1b[J")
            sys.stdout.flush()

    def _put(self, lines: Sequence[Line]) -> None:
        rows = self._write(lines)
        if self.is_live:
            self._widths += rows

    def _write(self, lines: Sequence[Line]) -> list[int]:
        """Write lines, folded to the terminal; return their widths."""
        if not (self.is_live or wants_colour(sys.stdout)):
            sys.stdout.write("".join("".join(text for text, _ in line) + "\n" for line in lines))
            sys.stdout.flush()
            return []
        from flowctl.core.cli.display_paint import ansi, folded, make_console

        if self._console is None:
            self._console = make_console(sys.stdout)
        width = _size()[0] - 1 if self.is_live else 100_000
        texts = [text for line in lines for text in folded(self._console, line, width)]
        sys.stdout.write("".join(f"{line}\n" for line in ansi(self._console, texts)))
        sys.stdout.flush()
        return [text.cell_len for text in texts]

    def _dot(self) -> str:
        return self._glyphs.plain(" · ")


def _names(paths: Sequence[str]) -> str:
    names = [safe_text(short_path(path), keep_newlines=False) for path in paths]
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return ", ".join(names[:_MOST_NAMED]) + more


def _size() -> tuple[int, int]:
    try:
        columns, rows = os.get_terminal_size(sys.stdout.fileno())
    except (OSError, ValueError):
        columns, rows = 0, 0
    return max(columns or 80, 20), max(rows or 24, 3)
